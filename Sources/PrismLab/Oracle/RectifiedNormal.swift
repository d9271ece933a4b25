import Foundation

/// What ReLU leaves of a normal number y of mean μ and deviation σ, with z = μ/σ:
///
///     E ReLU(y) = μΦ(z) + σφ(z)        E ReLU(y)² = μ E ReLU(y) + σ²Φ(z)
struct RectifiedNormal {
    let mean, meanSquare: Double

    init(mean: Double, deviation: Double) {
        let z = mean / deviation
        let below = erfc(-z / 2.0.squareRoot()) / 2
        self.mean = mean * below + deviation * exp(-z * z / 2) / (2 * .pi).squareRoot()
        meanSquare = mean * self.mean + deviation * deviation * below
    }
}
