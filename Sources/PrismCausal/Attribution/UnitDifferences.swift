import Algorithms
import PrismModels
import PrismTensor

/// What sets a place's units in a prompt apart from their baseline:
///
///     y − y' = Σᵤ δᵤ
///
/// δᵤ are columns of y − y'; of latents (zᵢ − z'ᵢ) dᵢ, and of the error what is left. A baseline of zero takes latents to zero
/// and the activation to the dictionary's bias (and what it passes on linearly), not to zero.
struct UnitDifferences: Sendable {
    let division: AttributionPlace.Division
    /// y − y', [tokens, width].
    let whole: Tensor
    /// zᵢ − z'ᵢ of latents that differ, ascending, by position; empty if there are none.
    private let latents: [[(latent: Int, value: Float)]]
    /// The error's δ; y − y' if there are no latents.
    private let error: Tensor

    /// - run: the prompt's activations. baseline: the other prompt's, or the reference text's; nil for zero.
    /// - isMean: whether the baseline is the mean of its rows, not their counterparts.
    init(_ place: AttributionPlace, _ run: CapturedActivations, baseline: CapturedActivations?, isMean: Bool) {
        division = place.division
        let y = run[place.writes]
        let other = baseline.map { isMean ? $0[place.writes].mean(repeated: y.rowCount) : $0[place.writes] }
        guard case .latents(let dictionary) = place.division else {
            whole = other.map(y.minus) ?? y
            (error, latents) = (whole, [])
            return
        }
        let codes = dictionary.encode(run[place.reads])
        let otherCodes = baseline.map { dictionary.encode($0[place.reads]) }
        var means: [(latent: Int, value: Float)] = []
        if isMean, let otherCodes {
            var sums: [Int: Float] = [:]
            for row in 0..<otherCodes.rowCount { for (i, z) in otherCodes[row] { sums[i, default: 0] += z } }
            means = sums.map { ($0.key, $0.value / Float(otherCodes.rowCount)) }
        }
        latents = (0..<y.rowCount).map { row in
            var differences = Dictionary(uniqueKeysWithValues: codes[row].map { ($0.latent, $0.value) })
            for (i, z) in isMean ? means : otherCodes?[row] ?? [] { differences[i, default: 0] -= z }
            return differences.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
        if let other {
            whole = y.minus(other)
        } else {
            let inactive = Tensor(shape: y.shape)
            dictionary.dictionary.decode(
                SparseCodes(rowCount: y.rowCount, slots: 1), of: run[place.reads], into: inactive)
            whole = y.minus(inactive)
        }
        error = whole.copy()
        let decoder = dictionary.dictionary.decoder
        for (row, own) in latents.enumerated() {
            let rest = error[row]
            for (i, z) in own {
                let direction = decoder[i]
                for c in 0..<decoder.rowWidth { rest[c] -= z * direction[c] }
            }
        }
    }

    /// The units of a position that differ from their baseline.
    func units(at position: Int) -> [Int?] {
        let row = whole[position]
        func differs(_ columns: Range<Int>) -> Bool { columns.contains { row[$0] != 0 } }
        switch division {
        case .whole: return differs(0..<whole.rowWidth) ? [nil] : []
        case .columns(let width):
            return (0..<whole.rowWidth / width).filter { differs($0 * width..<($0 + 1) * width) }
        case .latents: return differs(0..<whole.rowWidth) ? latents[position].map(\.latent) + [nil] : []
        }
    }

    /// δᵤ · g.
    /// - gradient: [width]
    func product(_ index: Int?, at position: Int, with gradient: UnsafePointer<Float>) -> Double {
        var sum = 0.0
        forEachNumber(of: index, at: position) { sum += Double($1) * Double(gradient[$0]) }
        return sum
    }

    /// y − δᵤ, in place.
    /// - activation: [width]
    func subtract(_ index: Int?, at position: Int, from activation: UnsafeMutablePointer<Float>) {
        forEachNumber(of: index, at: position) { activation[$0] -= $1 }
    }

    /// y − share · (y − y'), in place.
    /// - activation: [width]
    func subtractAll(_ share: Float = 1, at position: Int, from activation: UnsafeMutablePointer<Float>) {
        let row = whole[position]
        for c in 0..<whole.rowWidth { activation[c] -= share * row[c] }
    }

    /// Calls `body` with column and number of δᵤ.
    private func forEachNumber(of index: Int?, at position: Int, _ body: (Int, Float) -> Void) {
        guard let index else {
            let row = error[position]
            for c in 0..<error.rowWidth { body(c, row[c]) }
            return
        }
        switch division {
        case .whole: preconditionFailure("a whole activation is one unit")
        case .columns(let width):
            let row = whole[position]
            for c in index * width..<(index + 1) * width { body(c, row[c]) }
        case .latents(let dictionary):
            let (decoder, own) = (dictionary.dictionary.decoder, latents[position])
            let (direction, z) = (decoder[index], own[own.partitioningIndex { $0.latent >= index }].value)
            for c in 0..<decoder.rowWidth { body(c, z * direction[c]) }
        }
    }
}

extension Tensor {
    /// The mean row, several times.
    fileprivate func mean(repeated count: Int) -> Tensor {
        let means = columnMeans.map(Float.init)
        return Tensor(shape: [count, rowWidth], (0..<count).flatMap { _ in means })
    }
}
