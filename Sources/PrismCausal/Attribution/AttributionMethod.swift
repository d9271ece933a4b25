import PrismCore
import PrismModels

/// How a unit's share in the answer is found without taking the unit away. All are δᵤ · ḡ (see `UnitDifferences`) and differ in
/// the gradient ḡ = ∂m/∂y.
///
/// Gradients are taken in the clean run, since what they are to predict, the exact ablation, starts from that run. (Nanda 2023
/// takes them in the corrupt run, to predict patching into it.)
public enum AttributionMethod: String, CaseIterable, Codable, Sendable {
    /// Gradient × difference: attribution patching (Nanda 2023; Syed et al. 2023). Exact for a model that is linear.
    case gradient
    /// Integrated gradients (Sundararajan et al. 2017): the mean of gradients on the straight way from baseline to prompt, of a
    /// whole place. A place's units sum to what taking away the place does.
    case integrated = "ig"
    /// Direct effects on the logits (Elhage et al. 2021; nostalgebraist 2020): nothing goes through a later head or MLP, and
    /// what the final norm divides by is held. The logits are then linear in what is written to the residual stream. Where m is
    /// linear in them (one answer, at most one foil) all of it, biases included, sums to m; else it does to first order.
    case direct
    /// Also through later heads, whose patterns are held; not through MLPs. Linear again: embedding, MLPs and biases sum to m
    /// as above.
    case linear

    var frozen: Frozen {
        switch self {
        case .gradient, .integrated: []
        case .direct: .normScales
        case .linear: [.normScales, .attentionPatterns]
        }
    }

    /// Where the way back ends.
    func walls(_ layerCount: Int) -> [Intervention] {
        let hooks: [HookPoint] =
            switch self {
            case .gradient, .integrated: []
            case .direct: (0..<layerCount).flatMap { [.heads(layer: $0), .neurons(layer: $0)] }
            case .linear: (0..<layerCount).map { .neurons(layer: $0) }
            }
        return hooks.map { Intervention(at: $0, stopsGradient: true) }
    }
}
