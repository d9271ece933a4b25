import PrismCore
import PrismModels

/// What a model's answer is divided among.
public enum AttributionUnits: String, CaseIterable, Codable, Sendable {
    /// Latents of dictionaries, and what these leave out, their error.
    case latents
    case heads
    /// What each MLP adds to the residual stream.
    case mlps
    case neurons
    /// The residual stream before each block: all that a position holds there.
    case residual
    /// All that writes to the residual stream: the embedding, heads and MLPs.
    case components

    /// Where they lie, in the order of the pass.
    /// - Throws: `PrismError.usage` for latents without dictionaries.
    package func places(
        _ model: TransformerConfiguration, _ dictionaries: [PlacedDictionary]
    ) throws -> [AttributionPlace] {
        let layers = 0..<model.layerCount
        func heads(_ layer: Int) -> AttributionPlace { .init(.columns(model.headWidth), at: .heads(layer: layer)) }
        func mlp(_ layer: Int) -> AttributionPlace { .init(.whole, at: .mlpOut(layer: layer)) }
        switch self {
        case .latents:
            guard !dictionaries.isEmpty else {
                throw PrismError.usage("latents need a dictionary: name a run instead of a model")
            }
            return dictionaries.map(AttributionPlace.init)
        case .heads: return layers.map(heads)
        case .mlps: return layers.map(mlp)
        case .neurons: return layers.map { .init(.columns(1), at: .neurons(layer: $0)) }
        case .residual: return layers.map { .init(.whole, at: .residualPre(layer: $0)) }
        case .components: return [.init(.whole, at: .embedding)] + layers.flatMap { [heads($0), mlp($0)] }
        }
    }
}

/// A hook point at which the activation is a sum of units' parts.
package struct AttributionPlace: Sendable {
    /// How it is divided.
    enum Division: Sendable {
        /// It is one unit.
        case whole
        /// A unit is so many numbers of it: a head, a neuron.
        case columns(Int)
        /// Latents, each along its decoder row, and the error.
        case latents(PlacedDictionary)
    }

    let division: Division
    /// What units are functions of, and where their parts lie; the same but for a transcoder's latents.
    let reads, writes: HookPoint

    init(_ division: Division, at hook: HookPoint) { (self.division, reads, writes) = (division, hook, hook) }

    init(_ dictionary: PlacedDictionary) {
        (division, reads, writes) = (.latents(dictionary), dictionary.reads, dictionary.writes)
    }

    /// A dictionary's name, or the hook point's.
    package var name: String {
        if case .latents(let dictionary) = division { dictionary.name } else { writes.name }
    }

    /// A unit's name: "20.3" for a head, "latent 17", "error".
    package func name(of index: Int?) -> String {
        switch division {
        case .whole: "all"
        case .columns: "\(writes.layer!).\(index!)"
        case .latents: index.map { "latent \($0)" } ?? "error"
        }
    }
}

/// One unit at one position.
package struct AttributionUnit: Hashable, Sendable {
    /// The place's number.
    package let place: Int
    /// The head, neuron or latent; nil for a whole activation, and for a dictionary's error.
    package let index: Int?
    package let position: Int

    package init(place: Int, index: Int?, position: Int) {
        (self.place, self.index, self.position) = (place, index, position)
    }
}
