// Matching: a block takes a tile of query pixels through the reference pixels that they may look at. What it compares
// is |y|^2 - 2 x y; |x|^2, the same for all references of a pixel, is added to the minima alone.

constexpr int WIDE = TILE / HIGH;  // local matching: a tile's query pixels are a rectangle of HIGH rows
constexpr int SHARES = THREADS / TILE > 4 ? 4 : THREADS / TILE;  // threads that look for the minima of a pixel there

typedef REAL Squares[TILE][TILE + 1];  // of [query][reference]

// squares: |y|^2. What no pixel belongs to is infinitely far.
static __device__ inline void compare(Tile& tile, const REAL* query, const REAL* reference, const REAL* squares,
                                      int depth, REAL (&pair)[EACH][EACH])
{
    product(tile, query, reference, depth, pair);
    for (int j = 0; j < EACH; ++j) {
        const int pixel = tile.source[threadIdx.x * EACH + j];
        const REAL square = pixel < 0 ? infinity() : squares[pixel];
        for (int i = 0; i < EACH; ++i) pair[i][j] = square - 2 * pair[i][j];
    }
}

static __device__ inline void store(Squares& all, const REAL (&pair)[EACH][EACH])
{
    for (int i = 0; i < EACH; ++i)
        for (int j = 0; j < EACH; ++j) all[threadIdx.y * EACH + i][threadIdx.x * EACH + j] = pair[i][j];
    __syncthreads();
}

static __device__ inline REAL smaller(REAL a, REAL b) { return a < b ? a : b; }

static __device__ inline REAL square(REAL nearest, REAL length) { return larger(nearest + length, REAL(0)); }

static __device__ inline REAL distance(REAL square)
{
    if constexpr (sizeof(REAL) == 4) return tanhf(square / 2);
    else return tanh(square / 2);
}

// The pixels of object blockIdx.y are order[starts[k]] ... order[starts[k + 1] - 1].
extern "C" __global__ void __launch_bounds__(THREADS)
nearest(const REAL* query, const REAL* reference, const REAL* lengths, const REAL* squares, const int* order,
        const int* starts, REAL* out, int n_queries, int depth)
{
    __shared__ Tile tile;
    __shared__ REAL found[TILE][SIDE + 1];
    const int begin = blockIdx.x * TILE, row = threadIdx.y * EACH, stop = starts[blockIdx.y + 1];
    REAL pair[EACH][EACH], best[EACH];
    for (int i = 0; i < EACH; ++i) best[i] = infinity();
    if (thread() < TILE) tile.target[thread()] = begin + thread() < n_queries ? begin + thread() : -1;
    for (int first = starts[blockIdx.y]; first < stop; first += TILE) {
        __syncthreads();  // the tile before is compared
        if (thread() < TILE) tile.source[thread()] = first + thread() < stop ? order[first + thread()] : -1;
        compare(tile, query, reference, squares, depth, pair);
        for (int i = 0; i < EACH; ++i)
            for (int j = 0; j < EACH; ++j) best[i] = smaller(best[i], pair[i][j]);
    }
    for (int i = 0; i < EACH; ++i) found[row + i][threadIdx.x] = best[i];
    __syncthreads();
    const int p = begin + thread();
    if (thread() >= TILE || p >= n_queries) return;
    REAL least = infinity();
    for (int x = 0; x < SIDE; ++x) least = smaller(least, found[thread()][x]);
    out[Index(p) * gridDim.y + blockIdx.y] = distance(square(least, lengths[p]));
}

// smallest: for each object n ascending numbers of each of the `rows` query pixels from `begin_row` on.
extern "C" __global__ void __launch_bounds__(THREADS)
nearest_few(const REAL* query, const REAL* reference, const REAL* lengths, const REAL* squares, const int* order,
            const int* starts, REAL* smallest, REAL* out, int first_row, int rows, int depth, int n)
{
    __shared__ Tile tile;
    __shared__ Squares all;
    const int row = blockIdx.x * TILE + thread(), start = starts[blockIdx.y], stop = starts[blockIdx.y + 1];
    const bool mine = thread() < TILE && row < rows;
    REAL* kept = smallest + Index(blockIdx.y) * n * rows + row;
    REAL pair[EACH][EACH];
    if (thread() < TILE) tile.target[thread()] = mine ? first_row + row : -1;
    for (int m = 0; mine && m < n; ++m) kept[Index(m) * rows] = infinity();
    for (int first = start; first < stop; first += TILE) {
        if (thread() < TILE) tile.source[thread()] = first + thread() < stop ? order[first + thread()] : -1;
        compare(tile, query, reference, squares, depth, pair);
        store(all, pair);
        for (int j = 0; mine && j < TILE; ++j) {
            const REAL value = all[thread()][j];
            if (!(value < kept[Index(n - 1) * rows])) continue;
            int m = n - 1;
            for (; m > 0 && kept[Index(m - 1) * rows] > value; --m) kept[Index(m) * rows] = kept[Index(m - 1) * rows];
            kept[Index(m) * rows] = value;
        }
    }
    if (!mine) return;
    const int known = stop - start < n ? stop - start : n;
    REAL sum = 0, last = infinity();
    for (int m = 0; m < known; ++m) {
        last = square(kept[Index(m) * rows], lengths[first_row + row]);
        sum += last;
    }
    if (known < n) sum += REAL(n - known) * last;  // the farthest stands in for missing ones
    out[Index(first_row + row) * gridDim.y + blockIdx.y] = distance(sum / REAL(n));
}

// owner: the object of each pixel of the previous frame, any other number for none.
extern "C" __global__ void __launch_bounds__(THREADS)
nearest_near(const REAL* query, const REAL* previous, const REAL* lengths, const REAL* squares, const int* owner,
             REAL* out, int height, int width, int depth, int n_objects, int radius)
{
    __shared__ Tile tile;
    __shared__ Squares all;
    __shared__ REAL smallest[SHARES][OBJECTS][TILE];
    __shared__ int object[TILE];
    const int across = (width + WIDE - 1) / WIDE, top = int(blockIdx.x) / across * HIGH;
    const int left = int(blockIdx.x) % across * WIDE, first_object = blockIdx.y * OBJECTS;
    const int objects = n_objects - first_object < OBJECTS ? n_objects - first_object : OBJECTS;
    // What the rectangle may look at.
    const int up = top > radius ? top - radius : 0, west = left > radius ? left - radius : 0;
    const int bottom = top + HIGH < height - radius ? top + HIGH + radius : height;
    const int east = left + WIDE < width - radius ? left + WIDE + radius : width;
    const int seen = (bottom - up) * (east - west), me = thread() % TILE, part = thread() / TILE;
    const int y = top + me / WIDE, x = left + me % WIDE;
    const bool here = y < height && x < width;
    REAL pair[EACH][EACH];
    if (part == 0) tile.target[me] = here ? y * width + x : -1;
    for (int k = 0; part < SHARES && k < OBJECTS; ++k) smallest[part][k][me] = infinity();
    for (int first = 0; first < seen; first += TILE) {
        __syncthreads();  // the tile before is compared
        if (part == 0) {
            const int e = first + me, pixel = (up + e / (east - west)) * width + west + e % (east - west);
            const int k = e < seen ? owner[pixel] - first_object : -1;
            object[me] = k >= 0 && k < objects ? k : -1;
            tile.source[me] = object[me] < 0 ? -1 : pixel;
        }
        compare(tile, query, previous, squares, depth, pair);
        store(all, pair);
        for (int j = part; here && part < SHARES && j < TILE; j += SHARES) {
            const int v = tile.source[j] / width, u = tile.source[j] % width, k = object[j];
            const bool near = v >= y - radius && v <= y + radius && u >= x - radius && u <= x + radius;
            if (k >= 0 && near) smallest[part][k][me] = smaller(smallest[part][k][me], all[me][j]);
        }
    }
    __syncthreads();
    for (int k = part; here && k < objects; k += THREADS / TILE) {
        REAL least = infinity();
        for (int s = 0; s < SHARES; ++s) least = smaller(least, smallest[s][k][me]);
        const Index p = y * width + x;
        out[p * n_objects + first_object + k] = distance(square(least, lengths[p]));
    }
}
