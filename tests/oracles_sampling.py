"""Which past frames a target looks at, one frame at a time, from the paper's text; nothing of vosref is imported."""

from fractions import Fraction


def uniform_frames(t, count, horizon):  # TVOS Table 2: so many frames, evenly over the horizon before t
    past = [frame for frame in range(t) if frame >= t - horizon]
    if t <= count:
        return list(range(t))
    if count == 1:
        return [t - 1]
    places = [past[0] + Fraction(i * (past[-1] - past[0]), count - 1) for i in range(count)]
    return [max(frame for frame in past if frame <= place) for place in places]
