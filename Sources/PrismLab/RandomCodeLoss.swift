import Foundation

/// Loss of the ReLU output model with a random code, where every feature is represented and one is active at a time: the
/// limit of strong superposition (after the argument of Liu et al. 2025).
///
///     L = E (v − ReLU(gv − b))² + (n − 1) E ReLU(gvz − b)²,  v uniform in [0, 2], z ~ N(0, 1/m)
///
/// z is the overlap of two unit vectors in m dimensions, g = ‖Wᵢ‖² and −b the bias, the same for all. Once m is well above
/// log n, so that b is small, L ∝ 1/m.
struct RandomCodeLoss {
    let features, hidden: Int

    func loss(gain: Double, threshold: Double) -> Double {
        let deviation = 1 / Double(hidden).squareRoot()
        var sum = 0.0
        let count = 200
        for step in 0..<count {
            let v = 2 * (Double(step) + 0.5) / Double(count)
            let own = v - max(0, gain * v - threshold)
            sum +=
                own * own
                + Double(features - 1) * RectifiedNormal(mean: -threshold, deviation: gain * v * deviation).meanSquare
        }
        return sum / Double(count)
    }

    /// The least over gain and threshold, on a grid whose spacing moves it by less than a per cent.
    var least: Double {
        var least = Double.infinity
        for gain in stride(from: 0.8, through: 1.5, by: 0.05) {
            for threshold in stride(from: 0, through: 2, by: 0.02) {
                least = min(least, loss(gain: gain, threshold: threshold))
            }
        }
        return least
    }
}
