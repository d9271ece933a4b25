import PrismTensor

/// Vectors of one context with the concepts that each belongs to.
public struct LabelledVectors: Sendable {
    /// [rows, width].
    public let x: Tensor
    /// How strongly each vector belongs to each concept, 0 for not at all, [rows, concepts].
    public let scores: Tensor
    /// The context, and each row's position in it.
    public let context: Int
    public let positions: [Int32]
    /// What the model holds of the same tokens at another place, for a dictionary from there, [rows, its width].
    public let elsewhere: Tensor?

    public init(x: Tensor, scores: Tensor, context: Int, positions: [Int32], elsewhere: Tensor? = nil) {
        precondition(x.rowCount == scores.rowCount && x.rowCount == positions.count)
        precondition(elsewhere == nil || elsewhere!.rowCount == x.rowCount)
        self.elsewhere = elsewhere
        self.x = x
        self.scores = scores
        self.context = context
        self.positions = positions
    }
}

/// The concepts that rows belong to: those of row t in `concepts[starts[t]..<starts[t + 1]]`, ascending.
struct ConceptRows {
    private(set) var starts = [0]
    private(set) var concepts: [Int32] = []
    private(set) var scores: [Float] = []

    init(_ tensors: [Tensor]) {
        for tensor in tensors {
            for t in 0..<tensor.rowCount {
                let row = tensor[t]
                for c in 0..<tensor.rowWidth where row[c] > 0 {
                    concepts.append(Int32(c))
                    scores.append(row[c])
                }
                starts.append(concepts.count)
            }
        }
    }

    private init() {}

    var rowCount: Int { starts.count - 1 }

    /// The same rows in another order: row t takes the place of row t − shift, around the end.
    func rotated(by shift: Int) -> ConceptRows {
        var result = ConceptRows()
        for t in 0..<rowCount {
            forEach(row: (t + shift) % rowCount) { concept, score in
                result.concepts.append(Int32(concept))
                result.scores.append(score)
            }
            result.starts.append(result.concepts.count)
        }
        return result
    }

    /// Calls `body(concept, score)` for each concept of a row.
    @inline(__always)
    func forEach(row: Int, _ body: (_ concept: Int, _ score: Float) -> Void) {
        for i in starts[row]..<starts[row + 1] { body(Int(concepts[i]), scores[i]) }
    }
}
