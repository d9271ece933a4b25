import Foundation
import PrismMetrics
import PrismTensor
import Testing

@testable import PrismCausal

/// Planted pairs fᵢ → fᵢ + s·o + t·nᵢ on axes of their own, with a near double fᵢ + r·n'ᵢ of each first word.
@Suite struct AnalogyScoreTests {
    private static let pairs = 6

    /// - broken: pairs whose second word has nothing to do with the offset.
    private static func space(
        offset s: Float, noise t: Float, double r: Float, pairs: Int = pairs, broken: Set<Int> = []
    ) -> DirectionSpace {
        let width = 1 + 3 * pairs
        let rows = (0..<pairs).flatMap { i -> [[Int: Float]] in
            let (f, n, m) = (1 + 3 * i, 2 + 3 * i, 3 + 3 * i)
            return [[f: 1], broken.contains(i) ? [n: 1] : [f: 1, 0: s, n: t], [f: 1, m: r]]
        }
        return DirectionSpace(sparseRows(rows, width: width), isCentred: false)
    }

    private static func set(pairs: Int = pairs) throws -> AnalogySet {
        var lines = [": planted"]
        for i in 0..<pairs { for j in 0..<pairs where i != j { lines.append("f\(i) t\(i) f\(j) t\(j)") } }
        lines += [": unknown", "f0 t0 nowhere t1"]
        return try AnalogySet(Data(lines.joined(separator: "\n").utf8), file: "planted")
    }

    private static func row(_ word: String) -> Int? {
        guard let pair = Int(word.dropFirst()), "ft".contains(word.first!) else { return nil }
        return 3 * pair + (word.first == "f" ? 0 : 1)
    }

    /// Without noise t · (t' − f' + f) = u (1 + s²u), u = 1/√(1 + s²), is above 1, b's own product, for every s.
    @Test(arguments: [0.2, 0.5, 1] as [Float]) func exactParallelogramsAreAnsweredByAllRows(offset: Float) throws {
        let scores = Self.space(offset: offset, noise: 0, double: 2).scores(on: try Self.set(), row: Self.row)
        #expect(scores.map(\.category) == ["planted", "unknown", nil])
        #expect(scores[0].questions == 30 && scores[0].usable == 30 && scores[0].pairs == 6)
        #expect(scores[0].accuracy[.offset] == Estimate(value: 1, low: 1, high: 1))
        #expect(scores[0].accuracy[.offsetOfAll]?.value == 1 && scores[0].answersInput == 0)
        #expect(scores[1].questions == 1 && scores[1].usable == 0 && scores[1].answersInput == nil)
        #expect(scores[1].accuracy[.offset]?.value.isNaN == true)
        #expect(scores[2].questions == 31 && scores[2].usable == 30 && scores[2].accuracy[.offset]?.value == 1)
    }

    /// With s = .3 and t = .6 the answer's product is u (1 + s²u) = .89 with u = .83, the double's .86, b's own 1: the offset
    /// moves b past its double, but not past itself.
    @Test func whatTheInputsAndTheNeighboursTakeIsSeen() throws {
        let space = Self.space(offset: 0.3, noise: 0.6, double: 0.593)
        let score = space.scores(on: try Self.set(), row: Self.row)[0]
        let values = AnalogyMethod.allCases.map { score.accuracy[$0]!.value }
        #expect(values == [1, 0, 0, 0] && score.answersInput == 1)
        #expect(score.accuracy.keys.count == 4)
    }

    /// Half of the pairs are broken, and with them each question they are in: a share g² of questions with g = ½, whose
    /// deviation over draws of n pairs is 2g √(g(1 − g)/n).
    @Test func intervalsAreOfPairs() throws {
        let n = 24
        let space = Self.space(
            offset: 0.3, noise: 0.6, double: 0.593, pairs: n, broken: Set(stride(from: 0, to: n, by: 2)))
        let found = try #require(space.scores(on: try Self.set(pairs: n), row: Self.row)[0].accuracy[.offset])
        #expect(found.value == 12.0 * 11 / (24 * 23))
        let half = 1.96 * (0.25 / Double(n)).squareRoot()
        // The formula is the first order in 1/√n, and a deviation of 400 draws is known to 4%. Questions taken for
        // independent would have a fifth of it.
        #expect(abs((found.high - found.value) / half - 1) < 0.25)
    }

    @Test func threadsChangeNothing() throws {
        let space = DirectionSpace(normalRows(200, 13, seed: 4), isCentred: true)
        let set = try Self.set(pairs: 13)
        let scores = try [1, 3].map { count in
            try JSONEncoder.prism.encode(
                space.scores(on: set, workers: Workers(count: count), row: Self.row).dropLast(2).map(
                    \.accuracy[.offset]))
        }
        #expect(scores[0] == scores[1])
    }
}
