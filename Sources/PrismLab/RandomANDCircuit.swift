import PrismCore
import PrismTensor

/// All pairwise ANDs of sparse Boolean inputs by one random layer (Hänni et al. 2024).
///
///     h = ReLU(Sx̂ − 1)                        neuron k sees each input with probability q: S is 0 or 1, [width, inputs]
///     yᵢⱼ = mean of hₖ over k with Sₖᵢ = Sₖⱼ = 1
///
/// A neuron that sees both i and j fires when both are active, and else only through others that it sees. Where the inputs
/// are in superposition themselves, in as many dimensions as there are neurons, x̂ = ΦΦᵀx with rows of Φ, [inputs, width],
/// random and of length one; else x̂ = x.
struct RandomANDCircuit {
    let inputs, width: Int
    private let sees: [[Bool]]
    /// What each input adds to Sx̂, [inputs, width].
    private let columns: DoubleMatrix

    /// - sharing: the expected number of neurons that see a given pair; q = √(sharing/width).
    init(inputs: Int, width: Int, sharing: Double, isSuperposed: Bool, seed: UInt64) {
        (self.inputs, self.width) = (inputs, width)
        var generator = SeededGenerator(seed: seed, stream: "random AND circuit")
        let share = Float((sharing / Double(width)).squareRoot())
        sees = (0..<inputs).map { _ in (0..<width).map { _ in generator.uniform() < share } }
        var seen = DoubleMatrix(inputs, width)
        for i in 0..<inputs { for k in 0..<width where sees[i][k] { seen[i, k] = 1 } }
        guard isSuperposed else {
            columns = seen
            return
        }
        let code = Code.gaussian(features: inputs, hidden: width, &generator).vectors
        columns = code.times(code.times(seen, transposingSelf: true))
    }

    /// yᵢⱼ of the given pairs; 0 where no neuron sees both. - active: the inputs that are 1.
    func outputs(active: [Int], pairs: [(Int, Int)]) -> [Double] {
        let hidden = (0..<width).map { k in max(0, active.reduce(-1) { $0 + columns[$1, k] }) }
        return pairs.map { i, j in
            let both = (0..<width).filter { sees[i][$0] && sees[j][$0] }
            return both.isEmpty ? 0 : both.reduce(0) { $0 + hidden[$1] } / Double(both.count)
        }
    }
}

/// Whether pairwise ANDs are told apart: random inputs with two active, of which pairs with both, one or none active
/// are read with the threshold ½.
enum ANDTest {
    /// Share of pairs that are read wrongly, of the kind of pair (both, one or none active) where it is largest.
    /// - outputs: yᵢⱼ of pairs for given active inputs.
    static func worstError(
        inputs: Int, trials: Int = 400, seed: UInt64, outputs: (_ active: [Int], _ pairs: [(Int, Int)]) -> [Double]
    ) -> Double {
        var generator = SeededGenerator(seed: seed, stream: "AND test")
        var (wrong, total) = ([0, 0, 0], [0, 0, 0])
        for _ in 0..<trials {
            let order = (0..<inputs).shuffled(using: &generator)
            let (active, silent) = (Array(order[..<2]), order[2...].prefix(6))
            let pairs = Self.pairs(active + silent)
            for (pair, y) in zip(pairs, outputs(active, pairs)) {
                let on = [pair.0, pair.1].count { active.contains($0) }
                total[on] += 1
                if (y > 0.5) != (on == 2) { wrong[on] += 1 }
            }
        }
        return zip(wrong, total).map { Double($0) / Double(max(1, $1)) }.max()!
    }

    /// Each two of the inputs, the smaller first.
    private static func pairs(_ inputs: [Int]) -> [(Int, Int)] {
        inputs.indices.flatMap { i in
            inputs[(i + 1)...].map { (min(inputs[i], $0), max(inputs[i], $0)) }
        }
    }
}
