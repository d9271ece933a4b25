import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct AnalogyTests {
    /// From cosines that are shared by many questions comes the same answer as from the question's own direction.
    @Test func answersAreNearestToTheDirection() {
        let space = DirectionSpace(normalRows(61, 11, seed: 2), isCentred: true)
        let cosines = space.cosines(of: space.units)
        for number in 0..<30 {
            let question = Analogy(a: number, aStar: number + 7, b: number + 29)
            for method in AnalogyMethod.allCases {
                let direction = method.direction(question, in: space)
                let expected = space.nearest(to: direction, count: 1, excluding: method.excluded(question))[0].row
                let found = method.answer(
                    question, a: cosines[question.a], aStar: cosines[question.aStar], b: cosines[question.b], count: 61)
                #expect(found == expected, "\(method) \(number)")
            }
        }
    }

    @Test func onlyOneMethodMayAnswerAnInput() {
        let question = Analogy(a: 1, aStar: 2, b: 3)
        #expect(AnalogyMethod.allCases.filter { $0.excluded(question).isEmpty } == [.offsetOfAll])
        #expect(AnalogyMethod.offset.excluded(question) == [1, 2, 3])
    }
}
