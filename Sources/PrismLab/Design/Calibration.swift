import Foundation

/// What learned codes save against the interference of codes without structure.
///
/// ln(trained error / error of `InterferenceModel`) = a + b ln(m/n) + c ln(np), fitted by least squares to the trained models
/// of the experiment `features-per-neuron`, which fits it anew and holds it against models that were not in the fit.
enum Calibration {
    /// a, b, c.
    static let coefficients = [-0.9, -0.35, 0.07]
    /// Standard deviation of ln error around the fit.
    static let deviation = 0.2
    /// What the fit covered.
    static let features = 128...1024
    static let densities = 0.003...0.1
    static let shares = 0.08...0.5

    static func terms(_ model: InterferenceModel) -> [Double] {
        [1, log(model.width / model.features), log(model.features * model.density)]
    }

    /// The error of a trained code, and the factor by which 90% of trained ones lie above or below at most.
    static func error(_ model: InterferenceModel) -> (expected: Double, factor: Double) {
        let correction = zip(coefficients, terms(model)).reduce(0) { $0 + $1.0 * $1.1 }
        return (model.optimum().error * exp(min(0, correction)), exp(1.645 * deviation))
    }

    /// In words, what of a request lies outside of what was fitted.
    static func limits(of request: DesignRequest, width: Int) -> [String] {
        var result: [String] = []
        if !features.contains(request.features) {
            result.append("validated for \(features.lowerBound) to \(features.upperBound) features only")
        }
        if !densities.contains(request.density) {
            result.append("validated for densities from \(densities.lowerBound) to \(densities.upperBound) only")
        }
        let share = Double(width) / Double(request.features)
        if !shares.contains(share) {
            result.append(
                "validated for widths of \(shares.lowerBound) to \(shares.upperBound) of the features only, and this is \(Claim.text(share, 2))"
            )
        }
        return result
    }
}
