import Foundation
import PrismCore
import PrismTensor
import Testing

@testable import PrismSpectrum

/// The tally against plain sums over all vectors.
@Suite struct UnitTallyTests {
    static let (rows, units, concepts, width, groups) = (200, 70, 5, 6, 10)

    /// Random responses of which most are zero, labels, and embeddings.
    struct World {
        var responses, scores, embeddings: Tensor
        let isDense: Bool

        /// - isDense: every unit responds to every row.
        init(seed: UInt64, isDense: Bool = false) {
            self.isDense = isDense
            var generator = SeededGenerator(seed: seed, stream: "test")
            responses = Tensor(rows, units)
            scores = Tensor(rows, concepts)
            embeddings = Tensor(rows, width)
            for i in 0..<responses.count where isDense || generator.uniform() < 0.2 {
                // Over several powers of two, so that intervals are merged.
                responses.data[i] = exp(3 * generator.normal())
            }
            for i in 0..<scores.count where generator.uniform() < 0.3 { scores.data[i] = 1 + generator.uniform() }
            for i in 0..<embeddings.count { embeddings.data[i] = generator.normal() }
            embeddings.normaliseRows()
        }

        func tally(workers: Workers) -> UnitTally {
            let tally = UnitTally(units: units, concepts: concepts, groups: groups, width: width)
            let size = rows / groups
            for group in 0..<groups {
                // In two portions, as chunks come.
                for part in 0..<2 {
                    let range = group * size + part * size / 2..<group * size + (part + 1) * size / 2
                    tally.add(
                        answers(range), ConceptRows([scores.rows(range)]), embeddings: embeddings.rows(range),
                        places: range.map { (context: Int32($0 / 4), position: Int32($0 % 4)) }, group: group,
                        workers: workers)
                }
                tally.close(group: group)
            }
            return tally
        }

        private func answers(_ range: Range<Int>) -> UnitResponses {
            guard !isDense else {
                let columns = Tensor(T.units, range.count)
                for unit in 0..<T.units {
                    for (t, row) in range.enumerated() { columns[unit][t] = responses[row][unit] }
                }
                return UnitResponses(dense: columns)
            }
            return UnitResponses(codes(range), units: T.units)
        }

        private func codes(_ range: Range<Int>) -> SparseCodes {
            let codes = SparseCodes(rowCount: range.count, slots: units)
            for (t, row) in range.enumerated() {
                var slot = 0
                for unit in 0..<units where responses[row][unit] > 0 {
                    codes.indices[t * units + slot] = Int32(unit)
                    codes.values[t * units + slot] = responses[row][unit]
                    slot += 1
                }
                codes.counts[t] = Int32(slot)
            }
            return codes
        }
    }

    fileprivate typealias T = UnitTallyTests

    @Test(arguments: [false, true]) func sumsAreThoseOfAPlainLoop(_ isDense: Bool) {
        let world = World(seed: 1, isDense: isDense)
        let tally = world.tally(workers: Workers(count: 2))
        let size = T.rows / T.groups
        for group in 0..<T.groups {
            let range = group * size..<(group + 1) * size
            for unit in 0..<T.units {
                let values = range.map { Double(world.responses[$0][unit]) }
                let sums = tally.groups[group].sums[unit].pointee
                #expect(sums.firings == Double(values.count { $0 > 0 }))
                #expect(abs(sums.mass - values.reduce(0, +)) <= 1e-9 * sums.mass)
                // All pairs of different rows, as the definition has it.
                var (alike, pairs) = (0.0, 0.0)
                for i in range {
                    for j in range where i != j {
                        let weight = Double(world.responses[i][unit]) * Double(world.responses[j][unit])
                        pairs += weight
                        alike +=
                            weight
                            * (0..<T.width).reduce(0.0) {
                                $0 + Double(world.embeddings[i][$1]) * Double(world.embeddings[j][$1])
                            }
                    }
                }
                // Single precision of the vectors that are summed, against the squares that are taken away again.
                let scale = 1e-5 * (sums.mass * sums.mass + sums.squares)
                #expect(abs(sums.pairs - pairs) <= scale)
                #expect(abs(sums.alike - alike) <= scale)
                for c in 0..<T.concepts {
                    let inside = range.filter { world.scores[$0][c] > 0 }
                    let mass = inside.reduce(0.0) { $0 + Double(world.responses[$1][unit]) }
                    let product = inside.reduce(0.0) {
                        $0 + Double(world.responses[$1][unit]) * Double(world.scores[$1][c])
                    }
                    #expect(abs(Double(tally.groups[group].mass[unit][c]) - mass) <= 1e-5 * mass)
                    #expect(abs(Double(tally.groups[group].products[unit][c]) - product) <= 1e-5 * product)
                }
            }
        }
    }

    /// Responses down to the smallest normal number have an interval, alone and beside large ones.
    @Test func theSmallestResponsesHaveAnInterval() {
        let world = World(seed: 11)
        for row in 0..<T.rows {
            world.responses[row][0] = .leastNormalMagnitude
            world.responses[row][1] = row % 2 == 0 ? .leastNormalMagnitude : 3
        }
        let tally = world.tally(workers: Workers(count: 2))
        for unit in 0..<2 {
            #expect((0..<16).reduce(0) { $0 + Int(tally.binTotals[unit][$1]) } == T.rows)
        }
    }

    @Test func intervalsHoldEveryVectorOnce() {
        let world = World(seed: 2)
        let tally = world.tally(workers: Workers(count: 1))
        for unit in 0..<T.units {
            let fired = (0..<T.rows).filter { world.responses[$0][unit] > 0 }
            guard !fired.isEmpty else { continue }
            let width = tally.width(unit)
            let largest = Double(fired.map { world.responses[$0][unit] }.max()!)
            #expect(largest < 16 * width && largest >= 8 * width)
            for bin in 0..<16 {
                let own = fired.filter { Int(Double(world.responses[$0][unit]) / width) == bin }
                #expect(Int(tally.binTotals[unit][bin]) == own.count)
                for c in 0..<T.concepts {
                    #expect(
                        Int(tally.binCounts[unit][bin * T.concepts + c])
                            == own.count { world.scores[$0][c] > 0 })
                }
            }
        }
    }

    @Test(arguments: [false, true]) func threadsChangeNoBit(_ isDense: Bool) {
        let world = World(seed: 3, isDense: isDense)
        let (one, two) = (world.tally(workers: Workers(count: 1)), world.tally(workers: Workers(count: 2)))
        for group in 0..<T.groups {
            for unit in 0..<T.units {
                #expect(one.groups[group].mass.row(unit) == two.groups[group].mass.row(unit))
                #expect(one.groups[group].sums[unit].pointee.alike == two.groups[group].sums[unit].pointee.alike)
            }
        }
    }

    @Test func theStrongestResponsesAreKept() {
        let world = World(seed: 4)
        let tally = world.tally(workers: Workers(count: 2))
        for unit in 0..<T.units {
            for c in 0..<T.concepts {
                for parity in 0..<2 {
                    let own = (0..<T.rows).filter { $0 / 4 % 2 == parity && world.scores[$0][c] > 0 }
                    let strongest = own.map { world.responses[$0][unit] }.max() ?? 0
                    let peak = tally.peaks[unit][2 * c + parity]
                    #expect(peak.value == strongest)
                    if strongest > 0 {
                        let row = (Int(peak.context) - 1) * 4 + Int(peak.position)
                        #expect(world.responses[row][unit] == strongest)
                    }
                }
            }
        }
    }
}
