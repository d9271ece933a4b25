import PrismCore
import PrismTensor
import Testing

@Suite struct SparseCodesTests {
    private func codes(_ rows: [[Float]]) -> SparseCodes {
        let codes = SparseCodes(rowCount: rows.count, slots: 4)
        for (t, row) in rows.enumerated() {
            codes.counts[t] = Int32(row.count)
            for (slot, value) in row.enumerated() {
                (codes.indices[4 * t + slot], codes.values[4 * t + slot]) = (Int32(10 * slot), value)
            }
        }
        return codes
    }

    @Test func theLargestOfAllRowsAreKept() {
        let codes = codes([[1, 5, 2], [], [4, 3, 9, 0.5]])
        codes.keepLargest(4)
        #expect((0..<3).map { codes[$0].map(\.value) } == [[5], [], [4, 3, 9]])
        #expect(codes[0][0].latent == 10 && codes[2].map(\.latent) == [0, 10, 20])
        codes.keepLargest(9)
        #expect(codes.entryCount == 4)
    }

    /// Equal values: the lower row keeps its own, then the lower latent.
    @Test func tiesGoToTheLowerRow() {
        let codes = codes([[2, 2], [7, 2, 2], [2, 8]])
        codes.keepLargest(5)
        #expect((0..<3).map { codes[$0].map(\.value) } == [[2, 2], [7, 2], [8]])
        #expect(codes[1].map(\.latent) == [0, 10])
    }

    @Test func anyNumberAgreesWithSorting() {
        var generator = SeededGenerator(seed: 2, stream: "codes")
        for count in 0...40 {
            let rows = (0..<10).map { _ in (0..<4).map { _ in Float(Int.random(in: 0..<9, using: &generator)) } }
            let codes = codes(rows)
            codes.keepLargest(max(1, count))
            let expected = rows.joined().sorted(by: >).prefix(max(1, count))
            #expect((0..<10).flatMap { codes[$0].map(\.value) }.sorted(by: >) == Array(expected))
        }
    }
}
