import PrismTensor

/// What is summed of a set of units in one pass over vectors, so that every metric of the spectrum follows.
///
/// Contexts are dealt to groups, and what intervals need is summed for each group: memory is
/// groups × units × concepts, whatever the number of vectors. r is a unit's response, s a concept's score, e the unit vector
/// of a centred activation.
final class UnitTally: @unchecked Sendable {
    /// Intervals of response between nothing and M, a power of two above the largest response.
    static let binCount = 16

    /// Sums over one group of contexts.
    struct Group {
        /// Of each unit: see `Sums`, [units, 1].
        let sums: Grid<Sums>
        /// Σ r where the concept is, and Σ r s, [units, concepts].
        let mass, products: Grid<Float>
    }

    /// Of one unit.
    struct Sums {
        /// Vectors with r > 0.
        var firings = 0.0
        /// Σ r, Σ r².
        var mass = 0.0, squares = 0.0
        /// ‖Σ r e‖² − Σ r²  and  (Σ r)² − Σ r², whose quotient is the group's coherence.
        var alike = 0.0, pairs = 0.0
    }

    /// A strong response.
    struct Peak: Sendable {
        var value: Float
        /// Counted from 1, so that 0 is none.
        var context: Int32
        var position: Int32
    }

    let units, concepts: Int
    /// Whether intervals and peaks are kept.
    let hasDetail: Bool
    let groups: [Group]
    /// Vectors in each interval, [units, bins], and those of them in a concept, [units, bins × concepts].
    let binTotals, binCounts: Grid<Int32>
    /// log₂ M + 1000, [units, 1]; 0 before a unit's first firing.
    let exponents: Grid<Int32>
    /// The strongest response inside each concept, one in contexts of even and one in those of odd number,
    /// [units, concepts × 2].
    let peaks: Grid<Peak>
    /// Σ r e of the group that is being summed, [units, width]; nil where nobody asks for coherence.
    private let directions: Tensor?
    private let backend = CPUBackend()

    /// - width: of the embeddings; nil for no coherence. hasDetail: keep intervals and peaks.
    init(units: Int, concepts: Int, groups: Int, width: Int?, hasDetail: Bool = true) {
        self.units = units
        self.hasDetail = hasDetail
        self.concepts = concepts
        self.groups = (0..<groups).map { _ in
            Group(
                sums: Grid(units, 1, of: Sums.self), mass: Grid(units, concepts, of: Float.self),
                products: Grid(units, concepts, of: Float.self))
        }
        let detailed = hasDetail ? units : 0
        binTotals = Grid(detailed, Self.binCount, of: Int32.self)
        binCounts = Grid(detailed, Self.binCount * concepts, of: Int32.self)
        exponents = Grid(detailed, 1, of: Int32.self)
        peaks = Grid(detailed, concepts * 2, of: Peak.self)
        directions = width.map { Tensor(units, $0) }
    }

    /// Adds rows of one group.
    /// - labels: of the same rows. embeddings: [rows, width]. places: of each row its context, and the position in it.
    func add(
        _ responses: UnitResponses, _ labels: ConceptRows, embeddings: Tensor,
        places: [(context: Int32, position: Int32)], group: Int, workers: Workers
    ) {
        let sums = groups[group]
        // A thread takes whole units and sums each in the order of the rows, so that which thread it is changes no bit.
        workers.forEachRange(units, by: 64) { _, range in
            if let dense = responses.dense { addProducts(dense.rows(range), range, labels, embeddings, sums) }
            for unit in range {
                responses.withColumn(unit) { rows, values in
                    addSums(unit, values, sums)
                    if responses.dense == nil { addProducts(unit, rows, values, labels, embeddings, sums) }
                    if hasDetail { addDetail(unit, rows, values, labels, places) }
                }
            }
        }
    }

    private func addSums(_ unit: Int, _ values: UnsafeBufferPointer<Float>, _ group: Group) {
        let sums = group.sums[unit]
        for r in values where r > 0 {
            sums.pointee.firings += 1
            sums.pointee.mass += Double(r)
            sums.pointee.squares += Double(r) * Double(r)
        }
    }

    /// Σ r, Σ r s and Σ r e of one unit.
    private func addProducts(
        _ unit: Int, _ rows: UnsafeBufferPointer<Int32>, _ values: UnsafeBufferPointer<Float>, _ labels: ConceptRows,
        _ embeddings: Tensor, _ group: Group
    ) {
        let (mass, products) = (group.mass[unit], group.products[unit])
        for (row, r) in zip(rows, values) {
            labels.forEach(row: Int(row)) { concept, score in
                mass[concept] += r
                products[concept] += r * score
            }
        }
        guard let direction = directions?[unit] else { return }
        backend.sumRows(of: embeddings, rows: rows, weights: values.baseAddress!, start: direction, into: direction)
    }

    /// The same of some units that respond to every row, side by side, where vectors of the machine hold several of them.
    /// - responses: [range, rows].
    private func addProducts(
        _ responses: Tensor, _ range: Range<Int>, _ labels: ConceptRows, _ embeddings: Tensor, _ group: Group
    ) {
        let (count, rows) = (range.count, Tensor(responses.rowWidth, range.count))
        for unit in 0..<count {
            let answer = responses[unit]
            for t in 0..<rows.rowCount { rows[t][unit] = answer[t] }
        }
        let (mass, products) = (Tensor(concepts, count), Tensor(concepts, count))
        for t in 0..<rows.rowCount {
            let row = rows[t]
            labels.forEach(row: t) { concept, score in
                let (mass, products) = (mass[concept], products[concept])
                for i in 0..<count {
                    mass[i] += row[i]
                    products[i] += row[i] * score
                }
            }
        }
        for (i, unit) in range.enumerated() {
            for concept in 0..<concepts {
                group.mass[unit][concept] += mass[concept][i]
                group.products[unit][concept] += products[concept][i]
            }
        }
        guard let directions else { return }
        let sums = Tensor(count, directions.rowWidth)
        backend.multiply(responses, by: embeddings, transposed: false, into: sums)
        backend.add(sums, to: directions.rows(range))
    }

    /// Intervals and peaks.
    private func addDetail(
        _ unit: Int, _ rows: UnsafeBufferPointer<Int32>, _ values: UnsafeBufferPointer<Float>, _ labels: ConceptRows,
        _ places: [(context: Int32, position: Int32)]
    ) {
        for (row, r) in zip(rows, values) where r > 0 {
            let (bin, place) = (bin(unit, r), places[Int(row)])
            binTotals[unit][bin] += 1
            let (counts, peaks) = (binCounts[unit] + bin * concepts, peaks[unit] + Int(place.context & 1))
            labels.forEach(row: Int(row)) { concept, _ in
                counts[concept] += 1
                if r > peaks[2 * concept].value {
                    peaks[2 * concept] = Peak(value: r, context: place.context + 1, position: place.position)
                }
            }
        }
    }

    /// The interval that r falls into, with M doubled until r < M.
    private func bin(_ unit: Int, _ r: Float) -> Int {
        // Of what is smaller still, the scale below would be no number.
        let needed = max(-120, Int32(r.exponent)) + 1 + 1000
        let exponent = exponents[unit]
        if exponent.pointee < needed {
            // After a few doublings all lies in the lowest interval, and further ones change nothing.
            for _ in 0..<min(needed - exponent.pointee, 5) where exponent.pointee > 0 { mergeBins(unit) }
            exponent.pointee = needed
        }
        return Int(r * Float(sign: .plus, exponent: 1004 - Int(exponent.pointee), significand: 1))
    }

    private func mergeBins(_ unit: Int) {
        func merge(_ bins: UnsafeMutablePointer<Int32>, _ width: Int) {
            for bin in 0..<Self.binCount {
                for i in 0..<width {
                    bins[bin * width + i] =
                        bin < Self.binCount / 2 ? bins[2 * bin * width + i] + bins[(2 * bin + 1) * width + i] : 0
                }
            }
        }
        merge(binTotals[unit], 1)
        merge(binCounts[unit], concepts)
    }

    var hasCoherence: Bool { directions != nil }

    /// To be called after the last rows of each group.
    func close(group: Int) {
        guard let directions else { return }
        for unit in 0..<units {
            let (direction, sums) = (directions[unit], groups[group].sums[unit])
            var square = 0.0
            for c in 0..<directions.rowWidth { square += Double(direction[c]) * Double(direction[c]) }
            sums.pointee.alike = square - sums.pointee.squares
            sums.pointee.pairs = sums.pointee.mass * sums.pointee.mass - sums.pointee.squares
        }
        directions.fill(0)
    }
}
