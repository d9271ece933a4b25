import PrismCore

/// What is patched.
public enum PatchingSite: String, CaseIterable, Sendable {
    /// Whole activations, one position at a time.
    case residual, attention, mlp
    /// Each head's output.
    case heads
    /// Single units and the first of a ranking together.
    case neurons, latents
    /// Heads and MLPs by way of some receivers alone.
    case paths

    public var title: String {
        switch self {
        case .residual: "residual stream"
        case .attention: "attention output"
        case .mlp: "MLP output"
        default: rawValue
        }
    }

    /// Where it lies in a layer. (Of latents and paths there is no single place.)
    func hook(_ layer: Int) -> HookPoint {
        switch self {
        case .attention: .attentionOut(layer: layer)
        case .mlp: .mlpOut(layer: layer)
        case .heads: .heads(layer: layer)
        case .neurons: .neurons(layer: layer)
        case .residual, .latents, .paths: .residualPre(layer: layer)
        }
    }
}
