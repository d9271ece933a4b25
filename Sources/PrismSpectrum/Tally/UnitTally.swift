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
    let groups: [Group]
    /// Vectors in each interval, [units, bins], and those of them in a concept, [units, bins × concepts].
    let binTotals, binCounts: Grid<Int32>
    /// log₂ M + 1000, [units, 1]; 0 before a unit's first firing.
    let exponents: Grid<Int32>
    /// The strongest response inside each concept, one in contexts of even and one in those of odd number,
    /// [units, concepts × 2].
    let peaks: Grid<Peak>
    /// Σ r e of the group that is being summed, [units, width].
    private let directions: Tensor
    private let backend = CPUBackend()

    init(units: Int, concepts: Int, groups: Int, width: Int) {
        self.units = units
        self.concepts = concepts
        self.groups = (0..<groups).map { _ in
            Group(
                sums: Grid(units, 1, of: Sums.self), mass: Grid(units, concepts, of: Float.self),
                products: Grid(units, concepts, of: Float.self))
        }
        binTotals = Grid(units, Self.binCount, of: Int32.self)
        binCounts = Grid(units, Self.binCount * concepts, of: Int32.self)
        exponents = Grid(units, 1, of: Int32.self)
        peaks = Grid(units, concepts * 2, of: Peak.self)
        directions = Tensor(units, width)
    }

    /// Adds rows of one group.
    /// - codes: the units' responses. labels: of the same rows. embeddings: [rows, width]. places: of each row its context,
    ///   and the position in it.
    func add(
        _ codes: SparseCodes, _ labels: ConceptRows, embeddings: Tensor, places: [(context: Int32, position: Int32)],
        group: Int, workers: Workers
    ) {
        let isDense = codes.slots == units && codes.entryCount == units * codes.rowCount
        let sums = groups[group]
        // A thread takes whole units and sums each in the order of the rows, so that which thread it is changes no bit.
        workers.forEachRange(units, by: 64) { _, range in
            if isDense { addDirections(codes, range, embeddings) }
            for t in 0..<codes.rowCount {
                let (indices, values) = (codes.indices + t * codes.slots, codes.values + t * codes.slots)
                var slot = Self.lowerBound(range.lowerBound, indices, Int(codes.counts[t]))
                while slot < Int(codes.counts[t]), Int(indices[slot]) < range.upperBound {
                    if values[slot] > 0 {
                        add(Int(indices[slot]), values[slot], labels, row: t, places[t], sums)
                        if !isDense { addDirection(Int(indices[slot]), values[slot], embeddings[t]) }
                    }
                    slot += 1
                }
            }
        }
    }

    private static func lowerBound(_ unit: Int, _ indices: UnsafePointer<Int32>, _ count: Int) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if Int(indices[middle]) < unit { low = middle + 1 } else { high = middle }
        }
        return low
    }

    @inline(__always)
    private func add(
        _ unit: Int, _ r: Float, _ labels: ConceptRows, row: Int, _ place: (context: Int32, position: Int32),
        _ group: Group
    ) {
        let sums = group.sums[unit]
        sums.pointee.firings += 1
        sums.pointee.mass += Double(r)
        sums.pointee.squares += Double(r) * Double(r)

        let bin = bin(unit, r)
        binTotals[unit][bin] += 1
        let counts = binCounts[unit] + bin * concepts
        let (mass, products, peaks) = (group.mass[unit], group.products[unit], peaks[unit] + Int(place.context & 1))
        labels.forEach(row: row) { concept, score in
            counts[concept] += 1
            mass[concept] += r
            products[concept] += r * score
            if r > peaks[2 * concept].value {
                peaks[2 * concept] = Peak(value: r, context: place.context + 1, position: place.position)
            }
        }
    }

    @inline(__always)
    private func addDirection(_ unit: Int, _ r: Float, _ embedding: UnsafePointer<Float>) {
        let direction = directions[unit]
        for c in 0..<directions.rowWidth { direction[c] += r * embedding[c] }
    }

    /// The same of units that all respond to every row, as a product of matrices.
    private func addDirections(_ codes: SparseCodes, _ range: Range<Int>, _ embeddings: Tensor) {
        let responses = Tensor(range.count, codes.rowCount)
        for t in 0..<codes.rowCount {
            for (i, unit) in range.enumerated() { responses[i][t] = codes.values[t * units + unit] }
        }
        let sums = Tensor(range.count, directions.rowWidth)
        backend.multiply(responses, by: embeddings, transposed: false, into: sums)
        backend.add(sums, to: directions.rows(range))
    }

    /// The interval that r falls into, with M doubled until r < M.
    private func bin(_ unit: Int, _ r: Float) -> Int {
        let needed = Int32(r.exponent) + 1 + 1000
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

    /// To be called after the last rows of each group.
    func close(group: Int) {
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
