import PrismCore
import PrismModels

/// One of the three inputs of an attention head: what a path can end in. Written as layer, head and input: "20.3.q".
public struct HeadInput: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, CaseIterable, Sendable {
        case q, k, v
    }

    public let layer, head: Int
    public let kind: Kind

    /// - Throws: `PrismError.usage` if the text is no head's input.
    public init(_ text: String) throws {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let layer = Int(parts[0]), let head = Int(parts[1]),
            let kind = Kind(rawValue: String(parts[2]))
        else {
            throw PrismError.usage("‘\(text)’ is no input of a head; give layer, head and q, k or v, as in 20.3.q")
        }
        (self.layer, self.head, self.kind) = (layer, head, kind)
    }

    public var description: String { "\(layer).\(head).\(kind.rawValue)" }

    var hook: HookPoint {
        switch kind {
        case .q: .queries(layer: layer)
        case .k: .keys(layer: layer)
        case .v: .values(layer: layer)
        }
    }

    /// Where it lies in the hook point's rows. Heads that share keys and values share these.
    /// - Throws: `PrismError.usage` if the model has no such head.
    func columns(in configuration: TransformerConfiguration) throws -> Range<Int> {
        guard (0..<configuration.layerCount).contains(layer), (0..<configuration.headCount).contains(head) else {
            throw PrismError.usage(
                "there is no \(self): the model has \(configuration.layerCount) layers of \(configuration.headCount) heads, counted from 0"
            )
        }
        let group = configuration.headCount / configuration.keyValueHeadCount
        let place = kind == .q ? head : head / group
        return place * configuration.headWidth..<(place + 1) * configuration.headWidth
    }
}
