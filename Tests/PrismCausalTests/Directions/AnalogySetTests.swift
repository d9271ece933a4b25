import Foundation
import PrismCore
import PrismTestSupport
import Testing

@testable import PrismCausal

@Suite struct AnalogySetTests {
    private static let text = """
        : capital-common-countries
        Athens Greece Baghdad Iraq
        Athens Greece Berlin Germany

        : family of words
        boy girl brother sister

        """

    @Test func questionsAndPairsAreRead() throws {
        let set = try AnalogySet(Data(Self.text.utf8), file: "a.txt")
        #expect(set.categories.map(\.name) == ["capital-common-countries", "family of words"])
        let questions = set.categories[0].questions
        #expect(questions.count == 2)
        #expect(questions[1] == .init(a: "Athens", aStar: "Greece", b: "Berlin", bStar: "Germany"))
        #expect(set.categories[0].pairs == [["Athens", "Greece"], ["Baghdad", "Iraq"], ["Berlin", "Germany"]])
        let windows = Data(Self.text.replacing("\n", with: "\r\n").utf8)
        #expect(try AnalogySet(windows, file: "a.txt").categories[0].questions == questions)
    }

    @Test(arguments: [
        ("a b c d", "line 1: expected ‘: category’"), (": x\na b c", "line 2: expected 4 words, found 3"),
        (":\na b c d", "line 1: a category needs a name"), (": x\na b c d\n: x\na b c d", "line 3: a category"),
        (": x\na b c d\n: y\n", "‘y’ holds no question"), ("\n", "holds no analogy"),
    ])
    func whatIsNoSetIsRefused(text: String, reason: String) {
        #expect { try AnalogySet(Data(text.utf8), file: "a.txt") } throws: { error in
            guard let error = error as? PrismError else { return false }
            return error.kind == .badData && error.message.hasPrefix("a.txt") && error.message.contains(reason)
        }
    }

    @Test func damageIsAnErrorOrAnotherSet() {
        forEachMutation(of: Data(Self.text.utf8), header: 60, count: 4000) { damaged, what in
            do {
                let set = try AnalogySet(damaged, file: "a.txt")
                #expect(set.categories.allSatisfy { !$0.questions.isEmpty }, "\(what)")
            } catch {
                #expect((error as? PrismError)?.kind == .badData, "\(what): \(error)")
            }
        }
    }
}
