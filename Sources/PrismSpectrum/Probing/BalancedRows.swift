import PrismCore

/// Rows to probe for one concept: as many inside it as outside, those to fit on and those to test on.
struct BalancedRows {
    let train, test: [Int]
    /// Of all rows.
    let isInside: [Bool]

    /// Rows of each kind to train and to test on, at most: together SAEBench's 4,000 and 1,000.
    static let (trainCount, testCount) = (2000, 500)
    /// Rows of each kind to train and to test on below which nothing is probed.
    static let (leastTrain, leastTest) = (40, 10)

    /// Rows that were chosen and balanced elsewhere.
    init(train: [Int], test: [Int], isInside: [Bool]) {
        (self.train, self.test, self.isInside) = (train, test, isInside)
    }

    /// Nil where too few rows are inside or outside.
    /// - isTest: of each row.
    init?(isInside: [Bool], isTest: [Bool], seed: UInt64) {
        self.isInside = isInside
        var generator = SeededGenerator(seed: seed, stream: "probe rows")
        func balanced(isTested: Bool, _ limit: Int) -> [Int] {
            let own = isInside.indices.filter { isTest[$0] == isTested }.shuffled(using: &generator)
            let (inside, outside) = (own.filter { isInside[$0] }, own.filter { !isInside[$0] })
            let count = min(limit, inside.count, outside.count)
            return (inside.prefix(count) + outside.prefix(count)).sorted()
        }
        train = balanced(isTested: false, Self.trainCount)
        test = balanced(isTested: true, Self.testCount)
        guard train.count >= 2 * Self.leastTrain, test.count >= 2 * Self.leastTest else { return nil }
    }

    func labels(_ rows: [Int]) -> [Bool] { rows.map { isInside[$0] } }

    /// Of each row 1 inside, 0 outside, −1 if it is not trained on.
    var kinds: [Int] {
        var result = [Int](repeating: -1, count: isInside.count)
        for row in train { result[row] = isInside[row] ? 1 : 0 }
        return result
    }
}
