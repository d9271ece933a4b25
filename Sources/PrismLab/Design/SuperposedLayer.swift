import Foundation

/// The error of n equal features of density p in m dimensions, by theory and as trained models have it.
///
/// Theory is the oracle's `Allocation`: the best mixture of solids and of a tight frame without structure, in which what
/// other features add to an output is normal. Weights that are rounded, with an error of q times their variance, make a
/// cosine's variance (1 + q)² times 1/m, less what a tight frame saves: the layer acts as one of m/(1 + q)² dimensions.
///
/// Trained codes come close, and somewhat below where features are rare, because a spread of few is not quite normal and not
/// without structure. ln(trained/theory) = a + b ln(m/n) + c ln p is fitted to the models of the experiment
/// `features-per-neuron`, which fits it anew and holds it against models that were not in the fit.
struct SuperposedLayer {
    let features: Double
    let density: Double
    private let solids: [FeatureKind]

    init(features: Int, density: Double) {
        self.features = Double(features)
        self.density = density
        solids = Allocation.solids(density: density)
    }

    /// Dimensions for each feature. - weightNoise: q.
    func share(width: Double, weightNoise q: Double = 0) -> Double { min(1, width / ((1 + q) * (1 + q) * features)) }

    /// Loss over energy, E Σ(xᵢ − x′ᵢ)² / E Σxᵢ².
    func theory(share: Double) -> Double {
        Allocation(budget: share, solids: solids, density: density).lossPerFeature / (density / 3)
    }

    /// The same, of a trained code.
    func error(share: Double) -> Double {
        let correction = zip(Self.coefficients, Self.terms(share: share, density: density)).reduce(0) {
            $0 + $1.0 * $1.1
        }
        return theory(share: share) * exp(correction)
    }

    static func terms(share: Double, density: Double) -> [Double] { [1, log(share), log(density)] }

    // MARK: The fit

    /// a, b, c.
    static let coefficients = [-0.51, -0.307, 0.04]
    /// Standard deviation of ln error around the fit.
    static let deviation = 0.2
    /// The factor by which 90% of trained errors lie above or below what is expected, at most.
    static var factor: Double { exp(1.645 * deviation) }
    /// What the fit covered.
    static let featuresFitted = 256...1024
    static let densitiesFitted = 0.003...0.1
    static let sharesFitted = 0.1...0.4
}
