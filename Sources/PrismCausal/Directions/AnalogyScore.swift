import PrismMetrics
import PrismTensor

/// How many questions of a category are answered rightly, by each method.
///
/// Questions share their pairs, and so are not independent: intervals resample pairs, and a question counts as often as the
/// product of its two pairs' multiplicities (the pigeonhole bootstrap, Owen 2007).
package struct AnalogyScore: Encodable, Sendable {
    /// Nil for all of them together.
    package let category: String?
    /// Questions in the file, and those whose four words are rows of the space.
    package let questions, usable: Int
    /// Different pairs in the usable ones.
    package let pairs: Int
    /// Share of the usable questions that are answered by b*. So few pairs that a draw may leave no question have no interval.
    package let accuracy: [AnalogyMethod: Estimate]
    /// Share of them to which `offsetOfAll` answers one of the inputs; nil of none.
    package let answersInput: Double?

    fileprivate init(_ category: String?, questions: Int, _ answered: [AnsweredQuestion]) {
        self.category = category
        self.questions = questions
        usable = answered.count
        var numbers: [AnsweredQuestion.Pair: Int] = [:]
        let pairs = answered.map { question in
            question.pairs.map { pair in
                let number = numbers[pair, default: numbers.count]
                numbers[pair] = number
                return number
            }
        }
        self.pairs = numbers.count
        let bootstrap = Bootstrap(contexts: numbers.count)
        func share(_ weights: [Int], _ method: AnalogyMethod) -> Double {
            let right = zip(answered, weights).reduce(0) { $0 + ($1.0.isRight[method]! ? $1.1 : 0) }
            return Double(right) / Double(weights.reduce(0, +))
        }
        func accuracy(_ method: AnalogyMethod) -> Estimate {
            bootstrap.estimate { multiplicities in
                share(pairs.map { multiplicities[$0[0]] * multiplicities[$0[1]] }, method)
            }
        }
        self.accuracy = Dictionary(uniqueKeysWithValues: AnalogyMethod.allCases.map { ($0, accuracy($0)) })
        answersInput =
            answered.isEmpty
            ? nil : Double(answered.count { $0.answersInput }) / Double(answered.count)
    }
}

private struct AnsweredQuestion {
    struct Pair: Hashable { let category: String, from, to: Int }

    let pairs: [Pair]
    let isRight: [AnalogyMethod: Bool]
    let answersInput: Bool
}

extension DirectionSpace {
    /// Each category's score, then that of all questions.
    /// - row: the row of a word; nil for a word without one, whose questions are counted and left out.
    package func scores(
        on set: AnalogySet, workers: Workers = Workers(), row: (String) -> Int?
    ) -> [AnalogyScore] {
        let answered = set.categories.map { category in
            let usable = category.questions.compactMap { words -> (question: Analogy, bStar: Int)? in
                guard let a = row(words.a), let aStar = row(words.aStar), let b = row(words.b),
                    let bStar = row(words.bStar)
                else { return nil }
                return (Analogy(a: a, aStar: aStar, b: b), bStar)
            }
            return answer(usable, category.name, workers)
        }
        let counts = set.categories.map(\.questions.count)
        return zip(set.categories, zip(counts, answered)).map { AnalogyScore($0.name, questions: $1.0, $1.1) }
            + [AnalogyScore(nil, questions: counts.reduce(0, +), answered.flatMap(\.self))]
    }

    /// Holds the cosines of all the questions' words with all rows in memory.
    private func answer(
        _ questions: [(question: Analogy, bStar: Int)], _ category: String, _ workers: Workers
    ) -> [AnsweredQuestion] {
        let words = Set(questions.flatMap(\.question.inputs)).sorted()
        let cosines = cosines(of: units.gathered(words), workers: workers)
        let places = Dictionary(uniqueKeysWithValues: zip(words, words.indices))
        return workers.map(questions.count, by: 16) { _, range in
            questions[range].map { question, bStar in
                func row(_ word: Int) -> UnsafePointer<Float> { UnsafePointer(cosines[places[word]!]) }
                let (a, aStar, b) = (row(question.a), row(question.aStar), row(question.b))
                let answers = AnalogyMethod.allCases.map {
                    ($0, $0.answer(question, a: a, aStar: aStar, b: b, count: units.rowCount))
                }
                return AnsweredQuestion(
                    pairs: [
                        .init(category: category, from: question.a, to: question.aStar),
                        .init(category: category, from: question.b, to: bStar),
                    ], isRight: Dictionary(uniqueKeysWithValues: answers.map { ($0, $1 == bStar) }),
                    answersInput: answers.contains { $0 == .offsetOfAll && question.inputs.contains($1) })
            }
        }.flatMap(\.self)
    }
}
