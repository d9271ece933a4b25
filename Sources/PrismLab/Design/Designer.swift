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
/// The error of a width is that of `InterferenceModel`, times what learned codes save against it, fitted to trained models
/// (`Calibration`). Beside superposition stands the plain alternative, a neuron for each of (1 − error) n features.
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
        let n = Double(request.features)
        let noise = request.bits.map { UniformQuantiser.normalError(bits: $0) } ?? 0
        func model(_ width: Double, density: Double? = nil) -> InterferenceModel {
            InterferenceModel(
                features: n, density: density ?? request.density, width: width, weightNoise: noise)
        }
        func point(_ width: Int) -> Point {
            let error = Calibration.error(model(Double(width)))
            return Point(
                width: width, error: error.expected, low: error.expected / error.factor,
                high: min(1, error.expected * error.factor))
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
        dedicatedWidth = Int(((1 - request.error) * n).rounded(.up))
        self.point = point(answer)

        let chosen = model(Double(answer))
        let optimum = chosen.optimum()
        (gain, bias) = (optimum.gain, optimum.bias)
        activeFeatures = n * request.density
        cosine = chosen.cosineVariance.squareRoot()
        interference = gain * (chosen.cosineVariance * activeFeatures / 3).squareRoot()
        margins = Self.margins(chosen, optimum, request)
        curve = Set((-8...8).map { Int((Double(answer) * pow(2, Double($0) / 4)).rounded()) })
            .filter { $0 >= 1 && $0 <= request.features }.sorted().map(point)
        unvalidated = Calibration.limits(of: request, width: answer)
    }

    /// Each margin asks the same model, with the gain and the bias that were chosen, what doubles its error.
    private static func margins(
        _ chosen: InterferenceModel, _ optimum: InterferenceModel.Optimum, _ request: DesignRequest
    ) -> [Margin] {
        func doubles(_ change: (inout InterferenceModel) -> Void) -> Bool {
            var changed = chosen
            change(&changed)
            return changed.error(gain: optimum.gain, bias: optimum.bias) >= 2 * optimum.error
        }
        /// The factor in (1, 1000) at which it doubles.
        func factor(_ change: (inout InterferenceModel, Double) -> Void) -> Double {
            var (low, high) = (0.0, log(1000.0))
            for _ in 0..<30 {
                let middle = (low + high) / 2
                if doubles({ change(&$0, exp(middle)) }) { high = middle } else { low = middle }
            }
            return exp(high)
        }
        let density = factor { $0.density = min(1, $0.density * $1) }
        // Noise as large as the interference is the unit of its margin.
        let unit = chosen.cosineVariance * request.density * Double(request.features) / 3 * optimum.gain
        let noise = factor { $0.hiddenNoise = unit * ($1 - 1) }
        var margins = [
            Margin(
                what: "density",
                text:
                    "features occur \(Claim.text(density, 2)) times as often: p = \(Claim.text(request.density * density, 2))",
                factor: density),
            Margin(
                what: "noise",
                text:
                    "noise of standard deviation \(Claim.text((unit * (noise - 1)).squareRoot(), 2)) on each hidden number",
                factor: noise),
        ]
        let bits = (2...16).reversed().first { bits in
            doubles { $0.weightNoise = UniformQuantiser.normalError(bits: bits) }
        }
        if let bits, bits < request.bits ?? 32 {
            margins.append(
                Margin(
                    what: "precision", text: "weights of \(bits) bits",
                    factor: Double(request.bits ?? 16) / Double(bits)))
        }
        return margins.sorted { $0.factor < $1.factor }
    }
}
