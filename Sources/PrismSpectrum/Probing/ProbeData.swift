import PrismCore
import PrismTensor

/// Rows to probe for one concept: as many inside it as outside, split into those a probe is trained on and those it is tested
/// on; a context's rows are all on one side.
struct ProbeData {
    let responses: LatentColumns
    let train, test: [Int]
    /// Of all rows.
    let isInside: [Bool]

    var units: Int { responses.latentCount }

    /// Rows of each kind to train and to test on, at most: together SAEBench's 4,000 and 1,000.
    static let (trainCount, testCount) = (2000, 500)
    /// Rows of each kind to train and to test on below which nothing is probed.
    static let (leastTrain, leastTest) = (40, 10)

    /// Nil where too few rows are inside or outside.
    /// - context: of each row.
    init?(_ responses: LatentColumns, isInside: [Bool], context: [Int32], seed: UInt64) {
        (self.responses, self.isInside) = (responses, isInside)
        var generator = SeededGenerator(seed: seed, stream: "probe rows")
        func balanced(isTest: Bool, _ limit: Int) -> [Int] {
            // One context in five is tested on.
            let own = isInside.indices.filter { (context[$0] % 5 == 0) == isTest }.shuffled(using: &generator)
            let (inside, outside) = (own.filter { isInside[$0] }, own.filter { !isInside[$0] })
            let count = min(limit, inside.count, outside.count)
            return (inside.prefix(count) + outside.prefix(count)).sorted()
        }
        train = balanced(isTest: false, Self.trainCount)
        test = balanced(isTest: true, Self.testCount)
        guard train.count >= 2 * Self.leastTrain, test.count >= 2 * Self.leastTest else { return nil }
    }

    func labels(_ rows: [Int]) -> [Bool] { rows.map { isInside[$0] } }

    /// Some units' responses, [rows, units], each over its root mean square on the training rows: a penalty on weights is
    /// then equally strict to units of large and of small numbers.
    func matrix(_ rows: [Int], units chosen: [Int]) -> DoubleMatrix {
        var result = DoubleMatrix(rows.count, chosen.count)
        var place = [Int32](repeating: -1, count: isInside.count)
        for (r, row) in rows.enumerated() { place[row] = Int32(r) }
        var isTraining = [Bool](repeating: false, count: isInside.count)
        for row in train { isTraining[row] = true }
        for (column, unit) in chosen.enumerated() {
            var square = 0.0
            responses.withColumn(unit) { rows, values in
                for (row, value) in zip(rows, values) where isTraining[Int(row)] {
                    square += Double(value) * Double(value)
                }
                let scale = square > 0 ? (Double(train.count) / square).squareRoot() : 0
                for (row, value) in zip(rows, values) where place[Int(row)] >= 0 {
                    result[Int(place[Int(row)]), column] = Double(value) * scale
                }
            }
        }
        return result
    }

    /// Sums over the training rows of each kind.
    func moments() -> (inside: ClassMoments, outside: ClassMoments) { (moments(true), moments(false)) }

    private func moments(_ inside: Bool) -> ClassMoments {
        var result = ClassMoments(units: units)
        for row in train where isInside[row] == inside {
            result.count += 1
            responses.codes.forEachActive(row: row) { unit, value in
                result.sums[unit] += Double(value)
                result.squares[unit] += Double(value) * Double(value)
            }
        }
        return result
    }

    /// Rows of one kind, and of each unit Σ r and Σ r² over them.
    struct ClassMoments {
        var count = 0.0
        var sums, squares: [Double]

        init(units: Int) {
            sums = Array(repeating: 0, count: units)
            squares = sums
        }

        func mean(_ unit: Int) -> Double { sums[unit] / max(1, count) }
        /// Σ (r − mean)².
        func scatter(_ unit: Int) -> Double { max(0, squares[unit] - sums[unit] * mean(unit)) }
    }
}
