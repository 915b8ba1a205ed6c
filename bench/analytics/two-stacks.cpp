// Two stacks of aggregates over a sliding window in C++: what the window of this project is measured against. Reads lines
// "kind window values" and answers each with the CPU nanoseconds per value of pushing that many further values and reading
// every figure after each. Kind 9: nine figures; 17: all figures of the window; r: the Two of a reference that is included.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <vector>
#ifdef REFERENCE
#define main reference_main
#include REFERENCE
#undef main
#endif

namespace {

constexpr size_t walkLength = 1'000'000;
constexpr int returnsKept = 19;
constexpr int reach = 10'083;
constexpr double lambda = 0.94;
double power[reach + 1], sum[reach + 1], inverse[reach + 1];

double cpuSeconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

struct Basic {
  double n = 0, mean = 0, m2 = 0, c = 0, min = 0, max = 0;
};

Basic joined(const Basic& a, const Basic& b) {
  if (a.n == 0) return b;
  if (b.n == 0) return a;
  const double n = a.n + b.n, d = b.mean - a.mean, f = b.n / n, g = d * a.n * f;
  return {n, a.mean + d * f, a.m2 + b.m2 + d * g, a.c + b.c + g * 0.5 * n, std::min(a.min, b.min), std::max(a.max, b.max)};
}

Basic basicOf(double x) { return {1, x, 0, 0, x, x}; }

struct Full : Basic {
  double fall = 0, fraction = 0, ewma = 0, squares = 0, first = 0, last = 0;
};

Full joined(const Full& a, const Full& b) {
  if (a.n == 0) return b;
  if (b.n == 0) return a;
  Full out;
  static_cast<Basic&>(out) = joined(static_cast<const Basic&>(a), static_cast<const Basic&>(b));
  out.fall = std::max({a.fall, b.fall, a.max - b.min});
  out.fraction = std::max({a.fraction, b.fraction, (a.max - b.min) / a.max});
  const int nb = std::min<double>(b.n, reach), na = std::min<double>(a.n, reach), n = std::min<double>(out.n, reach);
  const double share = power[nb] * sum[na] * inverse[n], r = (b.first - a.last) / a.last;
  out.ewma = b.ewma + (a.ewma - b.ewma) * share;
  out.squares = a.squares * power[nb] + r * r * power[nb - 1] + b.squares;
  out.first = a.first;
  out.last = b.last;
  return out;
}

Full fullOf(double x) {
  Full out;
  static_cast<Basic&>(out) = basicOf(x);
  out.ewma = out.first = out.last = x;
  return out;
}

template <class Aggregate, Aggregate of(double)>
struct TwoStacks {
  size_t window, frontCount = 0, backCount = 0;
  std::vector<Aggregate> front;
  std::vector<double> back;
  Aggregate tail{};
  double ring[32] = {}, returns[32] = {};
  uint64_t n = 0;

  explicit TwoStacks(size_t w) : window(w), front(w), back(w) {}

  void add(double x) {
    if (frontCount + backCount == window) {
      if (frontCount == 0) {
        Aggregate a{};
        for (size_t i = backCount; i-- > 0;) front[frontCount++] = a = joined(of(back[i]), a);
        backCount = 0;
        tail.n = 0;
      }
      frontCount--;
    }
    back[backCount++] = x;
    tail = joined(tail, of(x));
    if (n > 0) returns[n & 31] = (x - ring[(n - 1) & 31]) / ring[(n - 1) & 31];
    ring[n++ & 31] = x;
  }

  Aggregate all() const { return frontCount > 0 ? joined(front[frontCount - 1], tail) : tail; }

  double volatility() const {
    double s = 0, q = 0;
    for (int i = 1; i <= returnsKept; i++) s += returns[(n - i) & 31];
    s /= returnsKept;
    for (int i = 1; i <= returnsKept; i++) q += (returns[(n - i) & 31] - s) * (returns[(n - i) & 31] - s);
    return std::sqrt(q / returnsKept * 252);
  }

  double momentum(int p) const {
    const double x = ring[(n - 1) & 31], before = ring[(n - 1 - p) & 31];
    return (x - before) / before;
  }
};

using Nine = TwoStacks<Basic, basicOf>;
using Seventeen = TwoStacks<Full, fullOf>;

void figuresOf(const Basic& a, double* out) {
  out[0] = a.n;
  out[1] = a.mean;
  out[2] = std::sqrt(a.m2 / a.n);
  out[3] = a.min;
  out[4] = a.max;
  out[5] = a.c * 12 / (a.n * (a.n * a.n - 1));
}

void read(const Nine& w, double* out) {
  figuresOf(w.all(), out);
  out[6] = w.volatility();
  for (int i = 0, p[] = {1, 5, 10}; i < 3; i++) out[7 + i] = w.momentum(p[i]);
}

void read(const Seventeen& w, double* out) {
  const Full a = w.all();
  figuresOf(a, out);
  out[6] = w.volatility();
  for (int i = 0, p[] = {1, 5, 10}; i < 3; i++) out[7 + i] = w.momentum(p[i]);
  out[10] = std::sqrt(a.m2 / (a.n - 1));
  out[11] = a.last;
  out[12] = a.ewma;
  out[13] = std::sqrt(a.squares * inverse[std::min<int>(a.n - 1, reach)] * 252);
  out[14] = a.max - a.last;
  out[15] = (a.max - a.last) / a.max;
  out[16] = a.fall;
  out[17] = a.fraction;
}

#ifdef REFERENCE
void read(const Two& w, double* out) { *reinterpret_cast<Out*>(out) = w.get(); }
#endif

std::vector<double> walk(walkLength);
volatile double sink;

template <class Window>
double timed(std::map<size_t, std::pair<std::unique_ptr<Window>, size_t>>& windows, size_t size, size_t values) {
  auto& [window, next] = windows[size];
  if (!window) window = std::make_unique<Window>(size);
  double out[24] = {}, kept = 0;
  const double before = cpuSeconds();
  for (size_t i = 0; i < values; i++) {
    window->add(walk[next]);
    next = next + 1 == walkLength ? 0 : next + 1;
    read(*window, out);
    for (int k = 1; k < 9; k++) kept += out[k];
    asm volatile("" : : "r"(out) : "memory");
  }
  const double took = cpuSeconds() - before;
  sink = kept;
  return took / values * 1e9;
}

}  // namespace

int main() {
  uint32_t state = 987654321;
  double price = 100;
  for (auto& x : walk) {
    state = 1664525u * state + 1013904223u;
    price *= 1 + 0.001 * (state / 4294967296.0 - 0.5);
    x = price;
  }
  for (int n = 0; n <= reach; n++) {
    power[n] = std::pow(lambda, n);
    sum[n] = -std::expm1(n * std::log(lambda)) / (1 - lambda);
    inverse[n] = 1 / sum[n];
  }
  power[reach] = 0;
  std::map<size_t, std::pair<std::unique_ptr<Nine>, size_t>> nines;
  std::map<size_t, std::pair<std::unique_ptr<Seventeen>, size_t>> seventeens;
#ifdef REFERENCE
  std::map<size_t, std::pair<std::unique_ptr<Two>, size_t>> references;
#endif
  char kind[8];
  size_t window, values;
  while (std::scanf("%7s %zu %zu", kind, &window, &values) == 3) {
    double ns = NAN;
    if (kind[0] == '9') ns = timed(nines, window, values);
    if (kind[0] == '1') ns = timed(seventeens, window, values);
#ifdef REFERENCE
    if (kind[0] == 'r') ns = timed(references, window, values);
#endif
    std::printf("%.3f\n", ns);
    std::fflush(stdout);
  }
}
