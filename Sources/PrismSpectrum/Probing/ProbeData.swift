import PrismTensor

/// What units respond to the rows that a concept is probed on.
struct ProbeData {
    let responses: UnitResponses
    let rows: BalancedRows
    /// Of the training rows of each kind.
    let inside, outside: ClassMoments

    var units: Int { responses.unitCount }
    var train: [Int] { rows.train }
    var test: [Int] { rows.test }
    var isInside: [Bool] { rows.isInside }

    init(_ responses: UnitResponses, _ rows: BalancedRows) {
        (self.responses, self.rows) = (responses, rows)
        let sums = Self.sums(responses, rows)
        (outside, inside) = (sums[0], sums[1])
    }

    func labels(_ rows: [Int]) -> [Bool] { self.rows.labels(rows) }

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

    /// Sums over the training rows outside and inside.
    private static func sums(_ responses: UnitResponses, _ rows: BalancedRows) -> [ClassMoments] {
        let (units, kinds) = (responses.unitCount, rows.kinds)
        var result = [ClassMoments(units: units), ClassMoments(units: units)]
        for kind in 0..<2 { result[kind].count = Double(kinds.count { $0 == kind }) }
        func add(_ row: Int, _ unit: Int, _ value: Float) {
            result[kinds[row]].sums[unit] += Double(value)
            result[kinds[row]].squares[unit] += Double(value) * Double(value)
        }
        for unit in 0..<units {
            if let values = responses.dense?[unit] {
                for row in rows.train { add(row, unit, values[row]) }
            } else {
                responses.withColumn(unit) { rows, values in
                    for (row, value) in zip(rows, values) where kinds[Int(row)] >= 0 { add(Int(row), unit, value) }
                }
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
