import PrismCore
import PrismTensor

/// What a format can express.
package struct FormatLimits {
    package enum Activation: String {
        case topK = "TopK"
        case relu = "ReLU"
        case jumpReLU = "JumpReLU"
        case gated = "gated"
        case matchingPursuit = "matching pursuit"
    }

    let activations: [Activation]
    /// A skip connection.
    var skips = false
    /// Outputs of another width than inputs.
    var changesWidth = false
    /// Inputs standardised one by one.
    var standardises = false

    /// - Throws: `PrismError.usage` that names what the format has no place for.
    func check(_ dictionary: SparseDictionary, for format: String) throws {
        func refuse(_ what: String) -> PrismError {
            .usage("\(format) has no place for \(what); choose another format")
        }
        let kind = dictionary.activation.kind
        if !activations.contains(kind) {
            let known = activations.map(\.rawValue).joined(separator: ", ")
            throw refuse("\(kind.rawValue) dictionaries, only for \(known)")
        }
        if dictionary.skip != nil && !skips { throw refuse("a skip connection") }
        if dictionary.width != dictionary.outputWidth && !changesWidth {
            throw refuse("outputs of another width (\(dictionary.outputWidth)) than inputs (\(dictionary.width))")
        }
        if dictionary.standardisesInput && !standardises { throw refuse("inputs that are standardised one by one") }
        if case .jumpReLU(let thresholds) = dictionary.activation, thresholds.values.contains(where: { $0 < 0 }) {
            throw refuse("negative thresholds")
        }
    }
}

extension LatentActivation {
    package var kind: FormatLimits.Activation {
        switch self {
        case .topK: .topK
        case .relu: .relu
        case .jumpReLU: .jumpReLU
        case .gated: .gated
        case .matchingPursuit: .matchingPursuit
        }
    }

    /// z = ReLU(π) where π > θ, as all other libraries compute it: a negative θ counts as 0.
    package static func rectified(thresholds: Tensor) -> LatentActivation {
        .jumpReLU(thresholds: Tensor(shape: thresholds.shape, thresholds.values.map { max(0, $0) }))
    }

    /// θ for formats that know only JumpReLU, where ReLU is θ = 0; nil for the other activations. [latents]
    func thresholds(_ latents: Int) -> Tensor? {
        switch self {
        case .relu: Tensor(latents)
        case .jumpReLU(let thresholds): thresholds
        case .topK, .gated, .matchingPursuit: nil
        }
    }
}
