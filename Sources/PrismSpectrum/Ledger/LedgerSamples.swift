import PrismActivations
import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismTensor

/// The vectors that a ledger is made from: the first ones to measure on, those after them to fit on. Their number is fixed.
public struct LedgerSamples {
    private static let testCount = 2048
    private static let fitCount = 6144

    private var test: [Tensor] = []
    private var fit: [Tensor] = []
    private var testRows = 0
    private var fitRows = 0

    public init() {}

    /// Takes of further contexts what is still wanted.
    public mutating func add(_ contexts: [LabelledVectors]) {
        for context in contexts where context.x.rowCount > 0 {
            if testRows < Self.testCount {
                test.append(context.x)
                testRows += context.x.rowCount
            } else if fitRows < Self.fitCount {
                fit.append(context.x)
                fitRows += context.x.rowCount
            }
        }
    }

    /// To be asked before the vectors are read, too.
    /// - Throws: `PrismError.usage` if there are too few vectors to fit on.
    public static func requireEnough(vectors: Int, for dictionary: SparseDictionary) throws {
        let needed = testCount + 2 * dictionary.width
        guard vectors >= needed else {
            throw PrismError.usage(
                "the ledger of the error fits maps of \(dictionary.width) numbers and needs at least \(needed) vectors, of which there are \(vectors): give more --tokens"
            )
        }
    }

    /// - truth: the features that the vectors are made of, which were added from the first on; nil where nobody knows.
    /// - Throws: as `requireEnough`.
    public func ledger(
        of dictionary: SparseDictionary, truth: SyntheticActivations?, workers: Workers
    ) throws -> ErrorLedger {
        try Self.requireEnough(vectors: testRows + fitRows, for: dictionary)
        var contexts: [Range<Int>] = []
        for x in test {
            contexts.append((contexts.last?.upperBound ?? 0)..<(contexts.last?.upperBound ?? 0) + x.rowCount)
        }
        return try ErrorLedger(
            of: dictionary, fit: Tensor(joining: fit), test: Tensor(joining: test), contexts: contexts,
            absence: truth.map { absence(of: dictionary, $0, workers) }, workers: workers)
    }

    /// The largest |cos| to a latent below which a feature counts as absent.
    private static let absent: Float = 0.5

    private func absence(
        of dictionary: SparseDictionary, _ truth: SyntheticActivations, _ workers: Workers
    ) -> ErrorLedger.Absence {
        let directions = truth.features.directions
        let nearest = FeatureMatching(decoder: dictionary.decoder, directions: directions, workers: workers).nearest
        let codes = truth.codes(0..<testRows + fitRows, workers: workers)
        let parts = Tensor(testRows + fitRows, directions.rowWidth)
        for t in 0..<parts.rowCount {
            for (feature, value) in codes[t] where nearest[feature] < Self.absent {
                for c in 0..<parts.rowWidth { parts[t][c] += value * directions[feature][c] }
            }
        }
        // What a feature adds to the variance: that of its own part, and its covariance with the rest.
        let x = Tensor(joining: test)
        let mean = x.columnMeans
        let centred = x.minus(row: mean)
        let variance = (0..<x.rowCount).reduce(0.0) {
            $0 + Double(centred.norm(ofRow: $1)) * Double(centred.norm(ofRow: $1))
        }
        var sums = [Int: (values: Double, squares: Double, products: Double)]()
        let backend = CPUBackend()
        for t in 0..<testRows {
            for (feature, value) in codes[t] where nearest[feature] < Self.absent {
                let along = backend.dot(centred[t], directions[feature], count: mean.count)
                var sum = sums[feature] ?? (0, 0, 0)
                sum.values += Double(value)
                sum.squares += Double(value) * Double(value)
                sum.products += Double(value) * Double(along)
                sums[feature] = sum
            }
        }
        let rows = Double(testRows)
        let features = sums.sorted { $0.key < $1.key }.map { feature, sum in
            let own = sum.squares - sum.values * sum.values / rows
            return ErrorLedger.AbsentFeature(
                feature: feature, share: (2 * sum.products - own) / variance, nearest: nearest[feature])
        }
        return ErrorLedger.Absence(
            fit: parts.rows(testRows..<testRows + fitRows), test: parts.rows(0..<testRows), features: features)
    }
}
