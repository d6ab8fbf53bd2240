// Propagation: a block takes a tile of target pixels through a part of one frame's source pixels, and leaves its
// running maximum, mass and votes in a slot of its own; the combine_ kernels add the slots up in their order.

enum Form { RELEASED, DEGREE, PAPER };

struct Votes {
    alignas(16) REAL weight[TILE][PITCH];  // of [source][target]
    REAL label[TILE][SIDE];
};

typedef REAL Rows[TILE][SIDE + 1];  // a number from each thread for each target pixel

static __device__ inline REAL exponential(REAL x)
{
    if constexpr (sizeof(REAL) == 4) return expf(x);
    else return exp(x);
}

static __device__ inline void share(Rows& rows, const REAL (&mine)[EACH])
{
    for (int i = 0; i < EACH; ++i) rows[threadIdx.y * EACH + i][threadIdx.x] = mine[i];
    __syncthreads();
}

// Raise the running maxima to the tile's largest logits; shrink is the factor for what was summed before.
static __device__ inline void raise(Rows& rows, const REAL (&largest)[EACH], REAL (&top)[EACH], REAL (&shrink)[EACH])
{
    share(rows, largest);
    for (int i = 0; i < EACH; ++i) {
        const REAL before = top[i];
        for (int x = 0; x < SIDE; ++x) top[i] = larger(top[i], rows[threadIdx.y * EACH + i][x]);
        shrink[i] = exponential(before - top[i]);
    }
}

static __device__ inline void vote(const Votes& votes, REAL (&total)[EACH])
{
#pragma unroll 8
    for (int j = 0; j < TILE; ++j) {
        const REAL label = votes.label[j][threadIdx.x];
        for (int i = 0; i < EACH; ++i) total[i] += votes.weight[j][threadIdx.y * EACH + i] * label;
    }
}

// table: n^2 / sigma^2, or exp of minus that, for n = 0, 1, ... cells.
template <Form FORM>
static __device__ inline void absorb(Tile& tile, Rows* highest, Votes* votes, const REAL* target, const REAL* source,
                                     const REAL* table, const REAL* half_degree, const REAL* labels, REAL* top_out,
                                     REAL* mass_out, REAL* top_vote_out, REAL* votes_out, int first, int rows,
                                     int n_sources, int depth, int width, int first_label, int n_voted, int n_labels,
                                     int frame, REAL temperature)
{
    const REAL none = -infinity();
    const int begin = blockIdx.x * TILE, column = threadIdx.x * EACH, row = threadIdx.y * EACH;
    int y[EACH], x[EACH];
    REAL top[EACH], top_vote[EACH], mass[EACH], total[EACH], shrink[EACH], shrink_vote[EACH];
    for (int i = 0; i < EACH; ++i) {
        const int pixel = begin + row + i < rows ? first + begin + row + i : first;
        y[i] = pixel / width, x[i] = pixel % width;
        top[i] = top_vote[i] = none;
        mass[i] = total[i] = 0;
    }
    if (thread() < TILE) tile.target[thread()] = begin + thread() < rows ? first + begin + thread() : -1;
    const int tiles = (n_sources + TILE - 1) / TILE;
    const int last = int(Index(blockIdx.y + 1) * tiles / gridDim.y);
    for (int t = int(Index(blockIdx.y) * tiles / gridDim.y); t < last; ++t) {
        __syncthreads();  // the tile before has voted
        if (thread() < TILE) tile.source[thread()] = t * TILE + thread() < n_sources ? t * TILE + thread() : -1;
        if (FORM != DEGREE)
            for (int e = thread(); e < TILE * SIDE; e += THREADS) {
                const int j = t * TILE + e / SIDE, k = e % SIDE;
                const bool there = j < n_sources && k < n_voted;
                votes->label[e / SIDE][k] = there ? labels[Index(j) * n_labels + first_label + k] : REAL(0);
            }
        REAL pair[EACH][EACH], spatial[EACH][EACH], half[EACH], largest[EACH], largest_vote[EACH];
        product(tile, target, source, depth, pair);
        for (int i = 0; i < EACH; ++i) largest[i] = largest_vote[i] = none;
        for (int j = 0; j < EACH; ++j) {
            const int pixel = tile.source[column + j], v = pixel / width, u = pixel % width;
            if (FORM == PAPER) half[j] = pixel < 0 ? REAL(0) : half_degree[pixel];
            for (int i = 0; i < EACH; ++i) {
                const REAL down = pixel < 0 ? REAL(0) : table[y[i] < v ? v - y[i] : y[i] - v];
                const REAL across = pixel < 0 ? REAL(0) : table[x[i] < u ? u - x[i] : x[i] - u];
                spatial[i][j] = FORM == RELEASED ? down * across : down + across;
                pair[i][j] = temperature * pair[i][j] - (FORM == RELEASED ? REAL(0) : spatial[i][j]);
                if (pixel < 0) pair[i][j] = none;
                largest[i] = larger(largest[i], pair[i][j]);
                if (FORM == PAPER) largest_vote[i] = larger(largest_vote[i], pair[i][j] - half[j]);
            }
        }
        raise(highest[0], largest, top, shrink);
        if (FORM == PAPER) raise(highest[1], largest_vote, top_vote, shrink_vote);
        for (int i = 0; i < EACH; ++i) {
            mass[i] *= shrink[i];
            total[i] *= FORM == PAPER ? shrink_vote[i] : shrink[i];
            for (int j = 0; j < EACH; ++j) {
                const REAL weight = exponential(pair[i][j] - top[i]);
                mass[i] += weight;
                if (FORM == RELEASED) votes->weight[column + j][row + i] = weight * spatial[i][j];
                if (FORM == PAPER) votes->weight[column + j][row + i] = exponential(pair[i][j] - half[j] - top_vote[i]);
            }
        }
        if (FORM != DEGREE) {
            __syncthreads();
            vote(*votes, total);
        }
    }
    __syncthreads();  // the last maxima are read
    share(highest[0], mass);
    const Index slot = Index(frame) * gridDim.y + blockIdx.y;
    for (int i = 0; i < EACH; ++i) {
        if (begin + row + i >= rows) continue;
        const Index place = slot * rows + begin + row + i;
        if (threadIdx.x == 0) {
            REAL sum = 0;
            for (int x = 0; x < SIDE; ++x) sum += highest[0][row + i][x];
            top_out[place] = top[i], mass_out[place] = sum;
            if (FORM == PAPER) top_vote_out[place] = top_vote[i];
        }
        if (FORM != DEGREE && int(threadIdx.x) < n_voted) votes_out[place * n_voted + threadIdx.x] = total[i];
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
released(const REAL* target, const REAL* source, const REAL* table, const REAL* labels, REAL* top, REAL* mass,
         REAL* votes, int first, int rows, int n_sources, int depth, int width, int first_label, int n_voted,
         int n_labels, int frame, REAL temperature)
{
    __shared__ Tile tile;
    __shared__ Rows highest[1];
    __shared__ Votes shared;
    absorb<RELEASED>(tile, highest, &shared, target, source, table, nullptr, labels, top, mass, nullptr, votes, first,
                     rows, n_sources, depth, width, first_label, n_voted, n_labels, frame, temperature);
}

extern "C" __global__ void __launch_bounds__(THREADS)
degree(const REAL* target, const REAL* source, const REAL* table, REAL* top, REAL* mass, int first, int rows,
       int n_sources, int depth, int width, REAL temperature)
{
    __shared__ Tile tile;
    __shared__ Rows highest[1];
    absorb<DEGREE>(tile, highest, nullptr, target, source, table, nullptr, nullptr, top, mass, nullptr, nullptr, first,
                   rows, n_sources, depth, width, 0, 0, 0, 0, temperature);
}

extern "C" __global__ void __launch_bounds__(THREADS)
paper(const REAL* target, const REAL* source, const REAL* table, const REAL* half_degree, const REAL* labels,
      REAL* top, REAL* mass, REAL* top_vote, REAL* votes, int first, int rows, int n_sources, int depth, int width,
      int first_label, int n_voted, int n_labels, int frame, REAL temperature)
{
    __shared__ Tile tile;
    __shared__ Rows highest[2];
    __shared__ Votes shared;
    absorb<PAPER>(tile, highest, &shared, target, source, table, half_degree, labels, top, mass, top_vote, votes, first,
                  rows, n_sources, depth, width, first_label, n_voted, n_labels, frame, temperature);
}

// Return the slots' common maximum, and the sum of their values below it.
static __device__ inline REAL combined(const REAL* top, const REAL* values, Index row, Index stride, int rows,
                                       int slots, REAL& sum)
{
    REAL highest = -infinity();
    for (int s = 0; s < slots; ++s) highest = larger(highest, top[Index(s) * rows + row]);
    sum = 0;
    for (int s = 0; s < slots; ++s)
        sum += values[Index(s) * rows * stride] * exponential(top[Index(s) * rows + row] - highest);
    return highest;
}

extern "C" __global__ void __launch_bounds__(THREADS)
combine_released(const REAL* top, const REAL* mass, const REAL* votes, REAL* out, int first, int rows, int slots,
                 int first_label, int n_voted, int n_labels)
{
    const Index e = Index(blockIdx.x) * THREADS + thread(), row = e / n_voted, k = e % n_voted;
    if (row >= rows) return;
    REAL sum, total;
    combined(top, mass + row, row, 1, rows, slots, sum);
    combined(top, votes + e, row, n_voted, rows, slots, total);
    out[(first + row) * n_labels + first_label + k] = total / sum;
}

extern "C" __global__ void __launch_bounds__(THREADS)
combine_degree(const REAL* top, const REAL* mass, REAL* half_degree, int first, int rows, int slots)
{
    const Index row = Index(blockIdx.x) * THREADS + thread();
    if (row >= rows) return;
    REAL sum;
    const REAL highest = combined(top, mass + row, row, 1, rows, slots, sum);
    half_degree[first + row] = (highest + logarithm(sum)) / 2;
}

extern "C" __global__ void __launch_bounds__(THREADS)
combine_paper(const REAL* top, const REAL* mass, const REAL* top_vote, const REAL* votes, REAL* out, int first,
              int rows, int slots, int first_label, int n_voted, int n_labels)
{
    const Index e = Index(blockIdx.x) * THREADS + thread(), row = e / n_voted, k = e % n_voted;
    if (row >= rows) return;
    REAL sum, total;
    const REAL highest = combined(top, mass + row, row, 1, rows, slots, sum);
    const REAL highest_vote = combined(top_vote, votes + e, row, n_voted, rows, slots, total);
    out[(first + row) * n_labels + first_label + k] =
        total * exponential(highest_vote - (highest + logarithm(sum)) / 2);
}
