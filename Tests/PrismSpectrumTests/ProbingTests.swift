import Foundation
import PrismCore
import PrismTensor
import Testing

@testable import PrismSpectrum

@Suite struct ProbingTests {
    /// Responses of units to rows, of which some tell the label.
    private static func data(
        rows: Int = 600, units: Int = 12, seed: UInt64 = 1, response: (Int, Bool, inout SeededGenerator) -> Float
    ) -> ProbeData {
        var generator = SeededGenerator(seed: seed, stream: "test")
        let isInside = (0..<rows).map { _ in generator.uniform() < 0.4 }
        let codes = SparseCodes(rowCount: rows, slots: units)
        for t in 0..<rows {
            var count = 0
            for unit in 0..<units {
                let value = response(unit, isInside[t], &generator)
                guard value > 0 else { continue }
                codes.indices[t * units + count] = Int32(unit)
                codes.values[t * units + count] = value
                count += 1
            }
            codes.counts[t] = Int32(count)
        }
        return ProbeData(
            UnitResponses(codes, units: units),
            BalancedRows(isInside: isInside, isTest: (0..<rows).map { $0 / 4 % 5 == 0 }, seed: seed)!)
    }

    @Test func rowsAreBalancedAndContextsOnOneSide() {
        let data = Self.data { _, _, generator in generator.uniform() }
        for rows in [data.train, data.test] {
            #expect(rows.count { data.isInside[$0] } == rows.count { !data.isInside[$0] })
        }
        #expect(Set(data.train.map { $0 / 4 }).isDisjoint(with: data.test.map { $0 / 4 }))
    }

    @Test func theProbeIsTheMinimum() {
        var generator = SeededGenerator(seed: 2, stream: "test")
        var x = DoubleMatrix(80, 3)
        for i in x.values.indices { x.values[i] = Double(generator.normal()) }
        let labels = (0..<80).map { x[$0, 0] - 0.5 * x[$0, 1] + Double(generator.normal()) > 0.3 }
        func loss(_ w: [Double], _ b: Double) -> Double {
            w.reduce(0) { $0 + $1 * $1 } / 2
                + (0..<80).reduce(0) { total, t in
                    let margin = (labels[t] ? 1.0 : -1) * (zip(w, x.row(t)).reduce(b) { $0 + $1.0 * $1.1 })
                    return total + log1p(exp(-margin))
                }
        }
        let probe = LogisticProbe(x, labels: labels)
        let least = loss(probe.weights, probe.intercept)
        // The loss is convex: a minimum along each axis is the minimum. Steps of 10⁻³ raise it by more than rounding.
        for i in 0..<4 {
            for step in [-1e-3, 1e-3] {
                var w = probe.weights
                if i < 3 { w[i] += step }
                #expect(loss(w, probe.intercept + (i == 3 ? step : 0)) > least)
            }
        }
    }

    @Test(arguments: UnitRanking.allCases) func everyRankingFindsTheUnitThatTells(_ ranking: UnitRanking) {
        let data = Self.data { unit, isInside, generator in
            unit == 7 ? (isInside ? 1 + generator.uniform() : 0.2 * generator.uniform()) : generator.uniform()
        }
        #expect(ranking.units(1, in: data) == [7])
        #expect(data.probe([7]).accuracy == 1)
        #expect(Set(ranking.units(3, in: data)).isSuperset(of: [7]))
    }

    @Test func theFIsThatOfAnAnalysisOfVariance() {
        let data = Self.data(units: 1) { _, isInside, generator in generator.uniform() + (isInside ? 0.2 : 0) }
        let x = data.train.map { row -> Double in
            var value = 0.0
            data.responses.codes.forEachActive(row: row) { value = Double($1) }
            return value
        }
        let inside = zip(x, data.train).filter { data.isInside[$0.1] }.map(\.0)
        let outside = zip(x, data.train).filter { !data.isInside[$0.1] }.map(\.0)
        func mean(_ v: [Double]) -> Double { v.reduce(0, +) / Double(v.count) }
        func scatter(_ v: [Double], _ m: Double) -> Double { v.reduce(0) { $0 + ($1 - m) * ($1 - m) } }
        let all = mean(x)
        let between =
            Double(inside.count) * pow(mean(inside) - all, 2) + Double(outside.count) * pow(mean(outside) - all, 2)
        let within = scatter(inside, mean(inside)) + scatter(outside, mean(outside))
        let expected = between / (within / Double(x.count - 2))
        #expect(abs(UnitRanking.fStatistics(data)[0] - expected) < 1e-9 * expected)
    }

    @Test func informationOfACertainUnitIsTheLabels() {
        let data = Self.data(units: 2) { unit, isInside, _ in unit == 0 && isInside ? 1 : 0 }
        // Balanced labels hold ln 2 nats, and a silent unit none.
        let informations = UnitRanking.informations(data)
        #expect(abs(informations[0] - log(2)) < 1e-12)
        #expect(informations[1] == 0)
    }

    @Test(arguments: 1...4) func theSubsetIsTheBestOfAll(_ size: Int) {
        var generator = SeededGenerator(seed: UInt64(size), stream: "test")
        var x = DoubleMatrix(60, 9)
        for t in 0..<60 {
            for c in 0..<9 {
                // Columns that go together, so that the best alone are not the best together.
                x[t, c] = Double(generator.normal()) + (c > 0 ? 0.8 * x[t, c - 1] : 0)
            }
        }
        let labels = (0..<60).map { x[$0, 2] - x[$0, 5] + x[$0, 7] + 0.5 * Double(generator.normal()) > 0 }
        let search = SubsetSearch(x, labels: labels, size: size)
        #expect(search.isCertain)
        let sets = (0..<(1 << 9)).filter { $0.nonzeroBitCount == size }.map { mask in
            (0..<9).filter { mask >> $0 & 1 == 1 }
        }
        let best = sets.min { Self.leftOver(x, labels, $0) < Self.leftOver(x, labels, $1) }
        #expect(search.best == best)
    }

    /// Error of the least-squares fit by some columns and a constant.
    private static func leftOver(_ x: DoubleMatrix, _ labels: [Bool], _ columns: [Int]) -> Double {
        var design = DoubleMatrix(x.rowCount, columns.count + 1)
        var target = DoubleMatrix(x.rowCount, 1)
        for t in 0..<x.rowCount {
            for (i, c) in columns.enumerated() { design[t, i] = x[t, c] }
            design[t, columns.count] = 1
            target[t, 0] = labels[t] ? 1 : 0
        }
        let gram = design.times(design, transposingSelf: true)
        let fit = design.times(gram.solving(design.times(target, transposingSelf: true)))
        return zip(fit.values, target.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }

    @Test func theScoreIsOneForOneUnitThatSaysAll() throws {
        let alone = Self.data { unit, isInside, generator in
            unit == 3 ? (isInside ? 1 : 0) : generator.uniform() < 0.5 ? 1 : 0
        }
        let one = try #require(MonosemanticityScore(alone, concept: 0))
        #expect(one.unit == 3 && one.accuracy == 1 && one.global == 1)
        // Without it chance is left, of few rows.
        #expect(one.local > 0.8)
        let copies = Self.data { unit, isInside, generator in unit < 2 ? (isInside ? 1 : 0) : generator.uniform() }
        let two = try #require(MonosemanticityScore(copies, concept: 0))
        #expect(two.local == 0)
    }
}
