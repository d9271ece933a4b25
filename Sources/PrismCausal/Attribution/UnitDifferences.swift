import Algorithms
import PrismActivations
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

    /// - run: the prompt's activations. baseline: what it is set against, and the activations there, of a prompt or of text.
    init(
        _ place: AttributionPlace, _ run: CapturedActivations, _ baseline: AttributionQuestion.Baseline,
        _ other: CapturedActivations
    ) {
        division = place.division
        let (x, y) = (run[place.reads], run[place.writes])
        var dictionary: PlacedDictionary?
        if case .latents(let placed) = place.division { dictionary = placed }
        // y', and of latents z'.
        let rest: Tensor
        var codes = SparseCodes(rowCount: y.rowCount, slots: 1)
        switch baseline {
        case .zero:
            rest = Tensor(shape: y.shape)
            dictionary?.dictionary.decode(codes, of: x, into: rest)
        case .prompt:
            rest = other[place.writes]
            codes = dictionary?.encode(other[place.reads]) ?? codes
        case .mean(let contexts):
            let used = other.usedRows(of: contexts, at: place.reads)
            let mean = other[place.writes].gathered(used).columnMeans.map(Float.init)
            rest = Tensor(shape: y.shape, (0..<y.rowCount).flatMap { _ in mean })
            let means = dictionary?.encode(other[place.reads].gathered(used)).means ?? []
            codes = SparseCodes([[(latent: Int, value: Float)]](repeating: means, count: y.rowCount))
        }
        whole = y.minus(rest)
        guard let dictionary else {
            (error, latents) = (whole, [])
            return
        }
        let own = dictionary.encode(x)
        latents = (0..<y.rowCount).map { own.differences(from: codes, row: $0) }
        error = whole.copy()
        let decoder = dictionary.dictionary.decoder
        for (row, differences) in latents.enumerated() {
            let rest = error[row]
            for (i, z) in differences {
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

extension SparseCodes {
    /// The mean over rows of each latent that is active in one, ascending by number.
    fileprivate var means: [(latent: Int, value: Float)] {
        var sums: [Int: Float] = [:]
        for row in 0..<rowCount { for (i, z) in self[row] { sums[i, default: 0] += z } }
        return sums.keys.sorted().map { ($0, sums[$0]! / Float(rowCount)) }
    }
}
