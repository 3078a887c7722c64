// Elementary functions by GCC's vectorizer and glibc's libmvec: `functions_native FUNCTION_TYPE N SECONDS` prints
// {"best": seconds per call, "checksum": sum of results}. functions.py compiles it and says what the inputs are.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

static double uniform(uint64_t seed, uint64_t index, double low, double high) {
  uint64_t z = (seed << 32) + index + 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return low + (high - low) * (double(z >> 11) * 0x1p-53);
}

// One loop each, which the vectorizer sees whole.
#define LOOP(name, value)                                                                              \
  template <class T>                                                                                   \
  __attribute__((noinline)) void name(const T *__restrict x, const T *__restrict y, T *__restrict out, size_t n) { \
    (void)y;                                                                                           \
    for (size_t i = 0; i < n; ++i) out[i] = value;                                                     \
  }
LOOP(loop_exp, std::exp(x[i]))
LOOP(loop_log, std::log(x[i]))
LOOP(loop_sin, std::sin(x[i]))
LOOP(loop_tanh, std::tanh(x[i]))
LOOP(loop_erf, std::erf(x[i]))
LOOP(loop_pow, std::pow(x[i], y[i]))

template <class T> int run(const std::string &name, size_t n, double seconds) {
  struct Function {
    const char *name;
    double low, high;
    void (*loop)(const T *, const T *, T *, size_t);
  };
  const Function functions[] = {{"exp", -10, 10, loop_exp<T>},  {"log", 0, 100, loop_log<T>}, {"sin", -10, 10, loop_sin<T>},
                                {"tanh", -4, 4, loop_tanh<T>}, {"erf", -3, 3, loop_erf<T>},  {"pow", 0, 10, loop_pow<T>}};
  const Function *f = std::find_if(std::begin(functions), std::end(functions), [&](const Function &f) { return name == f.name; });
  if (f == std::end(functions)) return std::puts("null"), 0;
  auto array = [n] { return static_cast<T *>(std::aligned_alloc(64, (n * sizeof(T) + 63) / 64 * 64)); };
  T *x = array(), *y = array(), *out = array();
  for (size_t i = 0; i < n; ++i) x[i] = T(uniform(1, i, f->low, f->high)), y[i] = T(uniform(2, i, -5, 5));
  using Clock = std::chrono::steady_clock;
  auto sample = [&](size_t calls) {
    const auto start = Clock::now();
    for (size_t k = 0; k < calls; ++k) f->loop(x, y, out, n);
    return std::chrono::duration<double>(Clock::now() - start).count() / double(calls);
  };
  sample(1);
  const double once = std::max(sample(1), 1e-9);
  const size_t calls = std::max<size_t>(1, size_t(seconds / 7 / once));
  double best = once;
  for (int k = 0; k < 7; ++k) best = std::min(best, sample(calls));
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += double(out[i]);
  std::printf("{\"best\": %.17g, \"checksum\": %.17g}\n", best, sum);
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 4) return std::fputs("usage: functions_native FUNCTION_TYPE N SECONDS\n", stderr), 2;
  const std::string workload = argv[1];
  const size_t cut = workload.rfind('_');
  const std::string name = workload.substr(0, cut), type = cut == std::string::npos ? "" : workload.substr(cut + 1);
  const size_t n = std::strtoull(argv[2], nullptr, 10);
  const double seconds = std::atof(argv[3]);
  return type == "f32" ? run<float>(name, n, seconds) : type == "f64" ? run<double>(name, n, seconds) : (std::puts("null"), 0);
}
