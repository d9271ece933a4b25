/// A node of a sparse feature circuit (Marks et al. 2024): a unit of a place's dictionary, or what the dictionary leaves out
/// there, its error.
public struct CircuitNode: Hashable, Comparable, Codable, Sendable {
    /// The place's number among those of the circuit, in the order of the pass.
    public let place: Int
    /// The latent, or where the axes are the dictionary the neuron; nil for the error.
    public let unit: Int?
    /// The position's name in its prompt (`PromptPair.name(ofPosition:)`); nil for all positions together.
    public let position: String?

    public init(place: Int, unit: Int?, position: String? = nil) {
        (self.place, self.unit, self.position) = (place, unit, position)
    }

    public static func < (a: CircuitNode, b: CircuitNode) -> Bool {
        (a.place, a.unit ?? .max, a.position ?? "") < (b.place, b.unit ?? .max, b.position ?? "")
    }
}
