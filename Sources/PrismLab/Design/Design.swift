import Foundation
import PrismCore
import PrismTensor

/// What a designer asks: how wide must a layer be that holds this many features?
public struct DesignRequest: Codable, Hashable, Sendable {
    /// n, equally important features, independent of each other, uniform in [0, 1] where active.
    public var features: Int
    /// p, the probability that a feature is active.
    public var density: Double
    /// The loss allowed, as a share of the features' energy: E Σ(xᵢ − x′ᵢ)² / E Σxᵢ².
    public var error: Double
    /// Bits of each weight; nil for fp32.
    public var bits: Int?

    public init(features: Int, density: Double, error: Double, bits: Int? = nil) {
        self.features = features
        self.density = density
        self.error = error
        self.bits = bits
    }

    /// - Throws: `PrismError.usage` that names the value that is out of range.
    public func validate() throws {
        guard features > 1 else { throw PrismError.usage("a design needs at least 2 features, not \(features)") }
        guard density > 0, density <= 1 else {
            throw PrismError.usage("density must be above 0 and at most 1, not \(density)")
        }
        guard error > 0, error < 1 else {
            throw PrismError.usage("the error is a share of the features' energy, above 0 and below 1, not \(error)")
        }
        if let bits, !(2...16).contains(bits) {
            throw PrismError.usage("bits must be from 2 to 16, not \(bits); leave --bits away for fp32")
        }
    }
}

/// The answer: a width, what happens at it, and how sure that is.
///
/// `SuperposedLayer` says what error a width has, and how sure that is. Beside superposition stands the plain alternative, a
/// neuron for each of (1 − error) n features.
public struct Design: Codable, Sendable {
    public let request: DesignRequest
    /// m: hidden dimensions that are enough. Least and greatest: for an error at the ends of its 90% interval.
    public let width, leastWidth, greatestWidth: Int
    /// Neurons that hold (1 − error) n features one by one and drop the rest: the width without superposition.
    public let dedicatedWidth: Int
    /// At `width`: the error expected, with its 90% interval.
    public let point: Point
    /// Features that are active at a time.
    public let activeFeatures: Double
    /// Root mean square of the cosine between two features' embeddings.
    public let cosine: Double
    /// Root mean square of what other features add to an output, where a feature's own share is up to `gain`.
    public let interference: Double
    /// ‖Wᵢ‖² and b.
    public let gain, bias: Double
    /// What would double the error, the nearest first.
    public let margins: [Margin]
    /// Error against width, around the answer.
    public let curve: [Point]
    /// Where the request leaves what the calibration covered; empty where it was validated.
    public let unvalidated: [String]

    public struct Point: Codable, Sendable {
        public let width: Int
        public let error, low, high: Double
    }

    public struct Margin: Codable, Sendable {
        public let what: String
        /// From what to what, for people.
        public let text: String
        /// How far away the doubling is: the factor by which the quantity may grow or shrink.
        public let factor: Double
    }

    /// Whether superposition saves neurons at all.
    public var isSuperposed: Bool { width < dedicatedWidth }

    /// - Throws: `PrismError.usage` for a request that is out of range.
    public init(_ request: DesignRequest) throws {
        try request.validate()
        self.request = request
        let layer = SuperposedLayer(features: request.features, density: request.density)
        let noise = request.bits.map { UniformQuantiser.normalError(bits: $0) } ?? 0
        func point(_ width: Int) -> Point {
            let error = layer.error(share: layer.share(width: Double(width), weightNoise: noise))
            return Point(
                width: width, error: error, low: error / SuperposedLayer.factor,
                high: min(1, error * SuperposedLayer.factor))
        }
        /// The least width whose error is small enough.
        func least(_ isEnough: (Point) -> Bool) -> Int {
            var (low, high) = (1, request.features)
            while low < high {
                let middle = (low + high) / 2
                if isEnough(point(middle)) { high = middle } else { low = middle + 1 }
            }
            return low
        }
        let answer = least { $0.error <= request.error }
        width = answer
        leastWidth = least { $0.low <= request.error }
        greatestWidth = least { $0.high <= request.error }
        dedicatedWidth = Int(((1 - request.error) * Double(request.features)).rounded(.up))
        self.point = point(answer)

        let share = layer.share(width: Double(answer), weightNoise: noise)
        let spread = FeatureKind.spread(dimensions: share, density: request.density)
        (gain, bias) = (spread.scale, spread.bias)
        activeFeatures = Double(request.features) * request.density
        // Σ cos² over the others is 1/share − 1.
        cosine = ((1 / share - 1) / Double(request.features)).squareRoot()
        interference = gain * ((1 / share - 1) * request.density / 3).squareRoot()
        margins = Self.margins(spread, request)
        curve = Set((-8...8).map { Int((Double(answer) * pow(2, Double($0) / 4)).rounded()) })
            .filter { $0 >= 1 && $0 <= request.features }.sorted().map(point)
        unvalidated = Self.limits(of: request, width: answer)
    }

    /// Each margin asks what doubles the error of a spread whose scale and bias were chosen for the request.
    private static func margins(_ spread: FeatureKind, _ request: DesignRequest) -> [Margin] {
        func error(density: Double = request.density, noise: Double = 0, rounding q: Double = 0) -> Double {
            FeatureKind.spreadLoss(
                dimensions: spread.dimensions / ((1 + q) * (1 + q)), density: density, scale: spread.scale,
                bias: spread.bias, noise: noise) / (density / 3)
        }
        let limit = 2 * error()
        /// The least factor from 1 to 1000 at which it doubles.
        func factor(_ error: (Double) -> Double) -> Double {
            var (low, high) = (0.0, log(1000.0))
            for _ in 0..<40 {
                let middle = (low + high) / 2
                if error(exp(middle)) >= limit { high = middle } else { low = middle }
            }
            return exp(high)
        }
        var margins: [Margin] = []
        let density = factor { error(density: min(1, request.density * $0)) }
        if request.density * density < 1 {
            margins.append(
                Margin(
                    what: "density",
                    text:
                        "features that occur \(Claim.text(density, 2)) times as often, p = \(Claim.text(request.density * density, 2))",
                    factor: density))
        }
        // In units of the interference, as a variance.
        let unit = spread.scale * (1 / spread.dimensions - 1) * request.density / 3
        let noise = factor { error(noise: unit * ($0 - 1)) }
        margins.append(
            Margin(
                what: "noise",
                text:
                    "noise of deviation \(Claim.text((unit * (noise - 1)).squareRoot(), 2)) on each hidden number",
                factor: noise))
        let own = request.bits.map { UniformQuantiser.normalError(bits: $0) } ?? 0
        let bits = (2..<(request.bits ?? 16)).reversed().first { bits in
            // The request's own rounding is in the spread already.
            error(rounding: (1 + UniformQuantiser.normalError(bits: bits)) / (1 + own) - 1) >= limit
        }
        if let bits {
            margins.append(
                Margin(
                    what: "precision", text: "weights of \(bits) bits",
                    factor: Double(request.bits ?? 16) / Double(bits)))
        }
        return margins.sorted { $0.factor < $1.factor }
    }

    /// In words, what of a request lies outside of what was fitted.
    private static func limits(of request: DesignRequest, width: Int) -> [String] {
        func limit<Value: Comparable>(_ what: String, _ value: Value, _ range: ClosedRange<Value>) -> String? {
            range.contains(value) ? nil : "validated for \(what) from \(range.lowerBound) to \(range.upperBound) only"
        }
        let share = Double(width) / Double(request.features)
        return [
            limit("features", request.features, SuperposedLayer.featuresFitted),
            limit("densities", request.density, SuperposedLayer.densitiesFitted),
            limit("dimensions a feature", share, SuperposedLayer.sharesFitted).map {
                "\($0), and here they are \(Claim.text(share, 2))"
            },
        ].compactMap(\.self)
    }
}
