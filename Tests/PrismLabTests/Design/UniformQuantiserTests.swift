import PrismCore
import PrismTensor
import Testing

@testable import PrismLab

@Suite struct UniformQuantiserTests {
    /// The least errors of uniform quantisers of a normal variable: 3, 7 and 15 levels (Max 1960, table II).
    @Test(arguments: [(2, 0.1902), (3, 0.04686), (4, 0.01294)])
    func normalNumbersLoseWhatMaxTabulated(bits: Int, error: Double) {
        // A hundred spacings come within a hundredth of the best error.
        #expect(abs(UniformQuantiser.normalError(bits: bits) / error - 1) < 0.01)
    }

    @Test func aRowTakesAtMostThatManyLevels() {
        var generator = SeededGenerator(seed: 0, stream: "quantiser")
        let w = Tensor(5, 400)
        for i in 0..<w.count { w.data[i] = generator.normal() }
        for bits in 2...5 {
            let rounded = UniformQuantiser(bits: bits).rounding(w)
            var loss = 0.0
            for row in 0..<5 {
                #expect(Set((0..<400).map { rounded[row][$0] }).count <= 1 << bits - 1)
                for i in 0..<400 { loss += Double((w[row][i] - rounded[row][i]) * (w[row][i] - rounded[row][i])) }
            }
            // Rows of 400 have no number beyond 3½ deviations, and each its own spacing: they lose up to a quarter less.
            #expect((0.75...1.1).contains(loss / 2000 / UniformQuantiser.normalError(bits: bits)))
        }
        let zeros = UniformQuantiser(bits: 3).rounding(Tensor(1, 8))
        #expect(zeros.values == [Float](repeating: 0, count: 8))
    }
}
