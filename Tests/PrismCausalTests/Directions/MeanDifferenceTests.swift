import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct MeanDifferenceTests {
    @Test func theDirectionIsOfMeansAndShufflesKeepTheTexts() {
        let difference = MeanDifference(
            positive: sparseRows([[0: 2], [0: 4, 1: 2]], width: 2), negative: sparseRows([[1: 3]], width: 2))
        #expect(difference.direction.values == [3, -2])
        // One text on the other side: only three differences are possible.
        let possible: [[Float]] = [[3, -2], [1 - 4, 1.5 - 2], [2 - 2, 2.5 - 0]]
        let shuffled = difference.shuffled(seed: 1)
        let found = (0..<shuffled.rowCount).map { shuffled.rows($0..<$0 + 1).values }
        #expect(Set(found) == Set(possible))
        #expect(difference.shuffled(seed: 1).values == shuffled.values)
        #expect(difference.shuffled(seed: 2).values != shuffled.values)
    }
}
