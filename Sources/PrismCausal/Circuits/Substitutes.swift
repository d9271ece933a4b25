import PrismTensor

/// What stands in the place of a node that is taken away: the choice that verdicts on circuits hang on (Miller et al. 2024).
public enum NodeAblation: String, CaseIterable, Codable, Sendable {
    /// Nothing: z = 0, ε = 0.
    case zero
    /// The mean over all rows of all clean and corrupt prompts, from where a pair's begin to differ.
    case mean
    /// What the corrupt prompt has at the position.
    case resample
}

/// An ablation's values of one place, aᵢ and a_ε.
struct Substitutes: Sendable {
    /// a_ε, [tokens of all prompts, width].
    let error: Tensor
    /// Those not zero, ascending: of each row, or one list for all.
    private let units: [[(latent: Int, value: Float)]]

    init(_ ablation: NodeAblation, at place: Int, of activations: PairedActivations) {
        let sides = [activations.clean[place], activations.corrupt[place]]
        switch ablation {
        case .zero: (units, error) = ([[]], Tensor(shape: sides[1].x.shape))
        case .resample:
            units = (0..<sides[1].x.rowCount).map { sides[1].codes[$0] }
            error = sides[1].error
        case .mean:
            let rows = activations.pairs.indices.flatMap(activations.rows).map(\.index)
            var sums = [Double](repeating: 0, count: activations.places[place].dictionary.latentCount)
            for side in sides {
                for row in rows { for (unit, value) in side.codes[row] { sums[unit] += Double(value) } }
            }
            let means = sums.map { Float($0 / Double(2 * rows.count)) }
            units = [means.indices.filter { means[$0] != 0 }.map { ($0, means[$0]) }]
            error = Tensor(shape: sides[1].x.shape)
            let average = Tensor(joining: sides.map { $0.error.gathered(rows) }).columnMeans.map(Float.init)
            for row in 0..<error.rowCount { error[row].update(from: average, count: average.count) }
        }
    }

    func units(row: Int) -> [(latent: Int, value: Float)] { units.count == 1 ? units[0] : units[row] }
}
