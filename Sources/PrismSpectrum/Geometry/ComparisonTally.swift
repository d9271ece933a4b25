import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismTensor

/// A dictionary to compare another one with, on the same tokens.
public struct ComparedDictionary: Sendable {
    /// As people call it, for example its run's name.
    public let name: String
    public let dictionary: SparseDictionary
    /// Whether both write to the same place, so that decoder rows of the one can be compared with those of the other.
    public let sharesSpace: Bool

    public init(name: String, _ dictionary: SparseDictionary, sharesSpace: Bool) {
        (self.name, self.dictionary, self.sharesSpace) = (name, dictionary, sharesSpace)
    }
}

/// What is summed of two dictionaries' latents in a pass over the vectors of the same tokens.
final class ComparisonTally {
    let name: String
    private(set) var otherMoments: UnitMoments
    /// Σ a b, [own latents, others].
    let products: Tensor
    /// The same with each of the others' activations at another token, half of the vectors that are added together away.
    let chanceProducts: Tensor
    /// Of the decoder rows, [own latents, others]; nil where they lie in different spaces.
    let cosines: Tensor?
    /// Which of the two has fewer latents; splitting is looked for from there.
    let ownIsNarrow: Bool
    /// Of each latent of the narrow dictionary the wide one's that share its direction.
    let children: [[Int]]
    /// Σ of a narrow latent's activations on vectors where a child is active, [narrow latents, 1].
    let covered: Grid<Double>

    /// - Throws: `PrismError.usage` if there are too many pairs.
    init(_ own: SparseDictionary, _ other: ComparedDictionary, workers: Workers) throws {
        let (rows, columns) = (own.latentCount, other.dictionary.latentCount)
        guard rows * columns <= GeometryTally.pairLimit else {
            throw PrismError.usage(
                "dictionaries of \(rows) and \(columns) latents have \(rows * columns) pairs, and at most \(GeometryTally.pairLimit) can be compared; compare narrower ones"
            )
        }
        name = other.name
        otherMoments = UnitMoments(units: columns)
        products = Tensor(rows, columns)
        chanceProducts = Tensor(rows, columns)
        cosines = other.sharesSpace ? cosineMatrix(own.decoder, other.dictionary.decoder, workers) : nil
        let ownIsNarrow = rows <= columns
        self.ownIsNarrow = ownIsNarrow
        let narrow = min(rows, columns)
        covered = Grid(narrow, 1, of: Double.self)
        children = (0..<narrow).map { [cosines] parent in
            guard let cosines else { return [] }
            return (0..<max(rows, columns)).filter {
                (ownIsNarrow ? cosines[parent][$0] : cosines[$0][parent]) >= LatentSplitting.sharedDirection
            }
        }
    }

    func add(_ own: UnitResponses, _ other: UnitResponses, workers: Workers) {
        otherMoments.add(other)
        workers.forEachRange(products.rowCount, by: 16) { _, range in
            for latent in range {
                let (sums, chance) = (products[latent], chanceProducts[latent])
                own.withColumn(latent) { rows, values in
                    for (t, a) in zip(rows, values) {
                        other.codes.forEachActive(row: Int(t)) { sums[$0] += a * $1 }
                        let elsewhere = (Int(t) + other.rowCount / 2) % other.rowCount
                        other.codes.forEachActive(row: elsewhere) { chance[$0] += a * $1 }
                    }
                }
            }
        }
        let (narrow, wide) = ownIsNarrow ? (own, other) : (other, own)
        workers.forEachRange(children.count, by: 16) { _, range in
            for parent in range where !children[parent].isEmpty {
                narrow.withColumn(parent) { rows, values in
                    for (t, value) in zip(rows, values) where wide.codes.hasActive(children[parent], row: Int(t)) {
                        covered[parent].pointee += Double(value)
                    }
                }
            }
        }
    }
}

extension SparseCodes {
    /// Whether any of some latents, ascending, is active in a row.
    fileprivate func hasActive(_ latents: [Int], row: Int) -> Bool {
        var place = 0
        for slot in row * slots..<row * slots + Int(counts[row]) where values[slot] > 0 {
            while latents[place] < Int(indices[slot]) {
                place += 1
                if place == latents.count { return false }
            }
            if latents[place] == Int(indices[slot]) { return true }
        }
        return false
    }
}
