// A stand-in for a GPU: a block's threads are real threads with a barrier, and blocks run one after the other. It takes
// a kernel's arguments as cuLaunchKernel does, as pointers to them, and says what is wrong, if anything.

#include <barrier>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static __attribute__((section("of_block")))  // of one block, since blocks run one after the other
#define __launch_bounds__(threads)

struct Dim {
    unsigned x, y;
};
static thread_local Dim threadIdx, blockIdx;
static Dim blockDim, gridDim;
static std::unique_ptr<std::barrier<>> block_barrier;

extern char __start_of_block[] __attribute__((visibility("hidden")));  // the linker knows where the section lies
extern char __stop_of_block[] __attribute__((visibility("hidden")));

static void __syncthreads() { block_barrier->arrive_and_wait(); }

struct Argument {
    void* value;
    int kind;   // bytes of a number, 100 more for a pointer to such; below 0 for an integer
    int bytes;  // that a pointer leads to
};

template <class T>
constexpr int kind_of()
{
    using Number = std::remove_pointer_t<T>;
    return (std::is_floating_point_v<Number> ? 1 : -1) * (int(sizeof(Number)) + 100 * std::is_pointer_v<T>);
}

// Tells whether blocks write where another has written: on a GPU they have no order.
class Writers {
    struct Array {
        const char* now;
        std::vector<char> before, written;
        int width;
    };
    std::vector<Array> arrays;

public:
    bool apart = true;

    Writers(const Argument* given, int count)
    {
        for (int n = 0; n < count; ++n)
            if (const char* start = given[n].bytes ? *static_cast<char**>(given[n].value) : nullptr)
                arrays.push_back({start, {start, start + given[n].bytes}, std::vector<char>(given[n].bytes),
                                  std::abs(given[n].kind) - 100});
    }

    void block_is_done()
    {
        for (auto& a : arrays)
            for (std::size_t e = 0; e < a.before.size(); e += a.width) {
                if (!std::memcmp(a.now + e, &a.before[e], a.width)) continue;
                apart = apart && !a.written[e];
                a.written[e] = 1;
                std::memcpy(&a.before[e], a.now + e, a.width);
            }
    }
};

template <class... A, std::size_t... N>
static const char* launch(void (*kernel)(A...), const unsigned* size, const Argument* given, int count,
                          std::index_sequence<N...>)
{
    if (count != sizeof...(A) || !((given[N].kind == kind_of<A>()) && ...)) return "takes other arguments";
    gridDim = {size[0], size[1]}, blockDim = {size[2], size[3]};
    const unsigned threads = blockDim.x * blockDim.y;
    block_barrier = std::make_unique<std::barrier<>>(threads);
    Writers writers(given, count);
    std::vector<std::thread> running;
    for (unsigned t = 0; t < threads; ++t)
        running.emplace_back([=, &writers] {
            threadIdx = {t % blockDim.x, t / blockDim.x};
            for (unsigned b = 0; b < gridDim.x * gridDim.y; ++b) {
                blockIdx = {b % gridDim.x, b / gridDim.x};
                if (t == 0) std::memset(__start_of_block, 0xff, __stop_of_block - __start_of_block);  // NaN or -1
                __syncthreads();
                kernel(*static_cast<A*>(given[N].value)...);
                __syncthreads();
                if (t == 0) writers.block_is_done();
            }
        });
    for (auto& one : running) one.join();
    return writers.apart ? nullptr : "has blocks that write where others wrote";
}

template <class... A>
static const char* launch(void (*kernel)(A...), const unsigned* size, const Argument* given, int count)
{
    return launch(kernel, size, given, count, std::index_sequence_for<A...>());
}
