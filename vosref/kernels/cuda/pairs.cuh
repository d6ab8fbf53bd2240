// Tiles of pairs of a target pixel and a source pixel: what the kernels of propagation and of matching share.
//
// The host sets REAL, float or double, and SIDE, EACH, DEPTH, HIGH and OBJECTS (Tile in __init__.py). A block has
// SIDE x SIDE threads; thread (x, y) computes EACH x EACH neighbouring pairs of a tile of TILE x TILE.

typedef long long Index;

constexpr int TILE = SIDE * EACH;
constexpr int THREADS = SIDE * SIDE;
constexpr int PITCH = TILE + 4;  // numbers in a row of shared memory: each row starts on 16 bytes and on another bank

static_assert(SIDE >= EACH, "there must be a thread for every pixel of a tile");
static_assert(TILE % HIGH == 0, "a tile's pixels must fill HIGH rows of a rectangle");
static_assert(OBJECTS >= 1, "a block must look for an object");

struct Tile {
    int target[TILE], source[TILE];  // which pixels, -1 for none
    alignas(16) REAL of_target[DEPTH][PITCH], of_source[DEPTH][PITCH];  // DEPTH coordinates of their embeddings
};

// The functions of REAL's own precision.
static __device__ inline REAL logarithm(REAL x)
{
    if constexpr (sizeof(REAL) == 4) return logf(x);
    else return log(x);
}

static __device__ inline REAL infinity() { return -logarithm(REAL(0)); }
static __device__ inline REAL larger(REAL a, REAL b) { return a > b ? a : b; }
static __device__ inline int thread() { return threadIdx.y * SIDE + threadIdx.x; }

static __device__ inline void load(REAL (&part)[DEPTH][PITCH], const int (&pixel)[TILE], const REAL* embedding,
                                   int first, int depth)
{
    for (int e = thread(); e < TILE * DEPTH; e += THREADS) {
        const int row = e / DEPTH, d = e % DEPTH;  // neighbouring threads read neighbouring numbers
        const bool there = pixel[row] >= 0 && first + d < depth;
        part[d][row] = there ? embedding[Index(pixel[row]) * depth + first + d] : REAL(0);
    }
}

// The dot products of this thread's pairs. Barriers before and after each load: what a thread wrote to shared memory
// before the call, the pixels of the tile among it, is seen by all afterwards.
static __device__ inline void product(Tile& tile, const REAL* target, const REAL* source, int depth,
                                      REAL (&pair)[EACH][EACH])
{
    for (int i = 0; i < EACH; ++i)
        for (int j = 0; j < EACH; ++j) pair[i][j] = 0;
    int first = 0;
    do {
        __syncthreads();
        load(tile.of_target, tile.target, target, first, depth);
        load(tile.of_source, tile.source, source, first, depth);
        __syncthreads();
#pragma unroll
        for (int d = 0; d < DEPTH; ++d) {
            REAL t[EACH], s[EACH];
            for (int i = 0; i < EACH; ++i) t[i] = tile.of_target[d][threadIdx.y * EACH + i];
            for (int j = 0; j < EACH; ++j) s[j] = tile.of_source[d][threadIdx.x * EACH + j];
            for (int i = 0; i < EACH; ++i)
                for (int j = 0; j < EACH; ++j) pair[i][j] += t[i] * s[j];
        }
        first += DEPTH;
    } while (first < depth);
}
