import Foundation
import PrismCore

/// The error of many features in few dimensions, from the interference that they cause each other.
///
/// n features of density p, uniform in [0, 1] where active, have embeddings Wᵢ of length s in m dimensions. What output i
/// reads before its ReLU is s²(xᵢ + Σⱼ xⱼ cᵢⱼ) + b, with cosines cᵢⱼ of variance κ/m. Given which features are active
/// and how strongly, the sum is nearly normal of variance κS/m, S = Σⱼ xⱼ², and S is a compound Poisson variable of rate np.
/// Loss per feature, with Φ and φ the normal distribution: closed in x, s and b for each S, averaged over x (quadrature)
/// and S (draws from a fixed seed); s and b are those that make it least. The error is this loss over E x² = p/3.
///
/// κ = 1 − m/n is that of a tight frame, the mean squared cosine at Welch's bound (n − m)/(m(n − 1)); codes that are
/// rounded to few bits have more, and noise on the hidden layer adds to the variance.
struct InterferenceModel {
    let features: Double
    var density: Double
    let width: Double
    /// Noise on weights: its variance over theirs, which is 1/m. A rounded row adds twice that to a cosine's variance.
    var weightNoise = 0.0
    /// Variance of noise on each number of the hidden layer, in units of a feature's embedding of length one.
    var hiddenNoise = 0.0

    /// The least error and what attains it. - gain: s²; bias: b.
    struct Optimum {
        var error, gain, bias: Double
    }

    private static let draws = 512
    /// Ten-point Gauss–Legendre quadrature on [0, 1].
    private static let nodes: [(x: Double, weight: Double)] = {
        let positions = [
            0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717,
        ]
        let weights = [
            0.2955242247147529, 0.2692667193099963, 0.2190863625159820, 0.1494513491505806, 0.0666713443086881,
        ]
        var result: [(x: Double, weight: Double)] = []
        for (position, weight) in zip(positions, weights) {
            for sign in [-1.0, 1.0] { result.append((x: (1 + sign * position) / 2, weight: weight / 2)) }
        }
        return result
    }()

    /// Variance of a cosine between two features.
    var cosineVariance: Double {
        // Rounding both rows multiplies the code's own part, and adds what two independent errors make.
        let noise = 2 * weightNoise + weightNoise * weightNoise
        return (max(0, 1 - width / features) + noise) / width
    }

    /// Draws of S, from quantiles of how many are active and a fixed seed.
    private func energies() -> [Double] {
        var generator = SeededGenerator(seed: 0, stream: "interference")
        let rate = (features - 1) * density
        return (0..<Self.draws).map { draw in
            // Stratified, so that the number of active features is spread as it should be.
            let level = (Double(draw) + 0.5) / Double(Self.draws)
            let count = Self.poissonQuantile(level, rate)
            if count > 400 {
                // A sum of many is normal: E x² = 1/3, variance of x² 4/45.
                let noise = Double(generator.normal()) * (Double(count) * 4 / 45).squareRoot()
                return max(0, Double(count) / 3 + noise)
            }
            return (0..<count).reduce(0) { sum, _ in
                let x = Double(generator.uniform())
                return sum + x * x
            }
        }
    }

    private static func poissonQuantile(_ level: Double, _ rate: Double) -> Int {
        if rate > 500 {  // nearly normal
            return max(0, Int((rate + rate.squareRoot() * normalQuantile(level)).rounded()))
        }
        var (count, term) = (0, exp(-rate))
        var sum = term
        while sum < level, count < 4000 {
            count += 1
            term *= rate / Double(count)
            sum += term
        }
        return count
    }

    private static func normalQuantile(_ level: Double) -> Double {
        var (low, high) = (-8.0, 8.0)
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if normal(middle) < level { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    static func normal(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
    private static func bell(_ x: Double) -> Double { exp(-x * x / 2) / (2 * .pi).squareRoot() }

    /// E[(goal − ReLU(y))²] for y normal.
    private static func loss(goal: Double, mean: Double, deviation: Double) -> Double {
        guard deviation > 1e-12 else {
            let y = max(0, mean)
            return (goal - y) * (goal - y)
        }
        let z = mean / deviation
        let (above, at) = (normal(z), bell(z))
        let off = mean - goal
        return goal * goal * (1 - above) + off * off * above + 2 * off * deviation * at
            + deviation * deviation * (above - z * at)
    }

    /// The error of a given gain and bias at this density.
    func error(gain: Double, bias: Double) -> Double { error(gain: gain, bias: bias, energies: energies()) }

    private func error(gain: Double, bias: Double, energies: [Double]) -> Double {
        var sum = 0.0
        for energy in energies {
            // Noise on h reaches an output through a row of length s = √gain.
            let deviation = (gain * gain * cosineVariance * energy + gain * hiddenNoise).squareRoot()
            var loss = (1 - density) * Self.loss(goal: 0, mean: bias, deviation: deviation)
            for node in Self.nodes {
                loss +=
                    density * node.weight * Self.loss(goal: node.x, mean: gain * node.x + bias, deviation: deviation)
            }
            sum += loss
        }
        return sum / Double(energies.count) / (density / 3)
    }

    /// The gain and bias of least error, by a pattern search from a grid.
    func optimum() -> Optimum {
        let energies = energies()
        func error(_ gain: Double, _ bias: Double) -> Double { self.error(gain: gain, bias: bias, energies: energies) }
        var best = Optimum(error: .infinity, gain: 1, bias: 0)
        for gain in [0.6, 0.8, 1.0, 1.2, 1.4] {
            for bias in [0.0, -0.05, -0.1, -0.2, -0.3, -0.45] {
                let value = error(gain, bias)
                if value < best.error { best = Optimum(error: value, gain: gain, bias: bias) }
            }
        }
        var step = (gain: 0.1, bias: 0.05)
        while step.gain > 1e-3 {
            var moved = false
            for (dg, db) in [(1.0, 0.0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)] {
                let (gain, bias) = (best.gain + dg * step.gain, best.bias + db * step.bias)
                guard gain > 0 else { continue }
                let value = error(gain, bias)
                if value < best.error {
                    best = Optimum(error: value, gain: gain, bias: bias)
                    moved = true
                }
            }
            if !moved { step = (step.gain / 2, step.bias / 2) }
        }
        return best
    }
}
