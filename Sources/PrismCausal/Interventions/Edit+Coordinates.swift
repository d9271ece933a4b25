import PrismCore
import PrismModels
import PrismTensor

extension Edit {
    /// Its units in a model.
    /// - Throws: `PrismError.usage` for units that are not there.
    func coordinates(
        _ model: TransformerConfiguration, _ dictionaries: [PlacedDictionary]
    ) throws -> Coordinates {
        func check(_ numbers: [Int], below count: Int, _ what: String, of owner: String) throws {
            guard !numbers.isEmpty else { throw PrismError.usage("an edit names no \(what) of \(owner)") }
            if let odd = numbers.first(where: { !(0..<count).contains($0) }) {
                throw PrismError.usage("\(owner) has no \(what) \(odd): they are 0 to \(count - 1)")
            }
            guard Set(numbers).count == numbers.count else {
                throw PrismError.usage("an edit names a \(what) of \(owner) twice")
            }
        }
        func check(layer: Int) throws {
            guard (0..<model.layerCount).contains(layer) else {
                throw PrismError.usage("there is no layer \(layer): the model’s are 0 to \(model.layerCount - 1)")
            }
        }
        guard keepsError || { if case .latents = units { true } else { false } }() else {
            throw PrismError.usage("only latents have an error that could be dropped, not \(units)")
        }
        switch units {
        case .latents(let latents, let name):
            let dictionary = try dictionaries.named(name)
            try check(latents, below: dictionary.dictionary.latentCount, "latent", of: dictionary.name)
            return .latents(latents, dictionary)
        case .neurons(let neurons, let layer):
            try check(layer: layer)
            try check(neurons, below: model.mlpWidth, "neuron", of: "layer \(layer)")
            return .axes(neurons, .neurons(layer: layer))
        case .heads(let heads, let layer):
            try check(layer: layer)
            try check(heads, below: model.headCount, "head", of: "layer \(layer)")
            return .heads(heads, layer: layer, of: model)
        case .direction(let direction, let hook):
            try hook.layer.map { try check(layer: $0) }
            guard direction.count == model.width(at: hook) else {
                throw PrismError.usage(
                    "the direction has \(direction.count) numbers; an activation at \(hook) has \(model.width(at: hook))"
                )
            }
            let norm = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard norm > 0, norm.isFinite else {
                throw PrismError.usage("the direction at \(hook) has no length that is a number above 0")
            }
            return .direction(direction.map { $0 / norm }, hook)
        }
    }
}

extension [PlacedDictionary] {
    /// - name: nil for the only one.
    /// - Throws: `PrismError.usage` if there is none of that name, or several and no name.
    package func named(_ name: String?) throws -> PlacedDictionary {
        let names = map(\.name)
        if let found = name == nil && count == 1 ? first : first(where: { $0.name == name }) { return found }
        guard !isEmpty else { throw PrismError.usage("latents need a dictionary: name a run instead of a model") }
        throw PrismError.usage(
            name.map { "there is no dictionary ‘\($0)’; there are \(names.joined(separator: ", "))" }
                ?? "there are several dictionaries; say which: \(names.joined(separator: ", "))")
    }
}
