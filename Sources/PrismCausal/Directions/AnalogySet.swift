import Foundation
import PrismCore

/// Questions “a is to a* as b is to b*” in categories, as word2vec's `questions-words.txt` holds them (Mikolov et al. 2013): a
/// line `: name` begins a category, each other line is four words.
package struct AnalogySet: Sendable {
    package struct Question: Hashable, Sendable {
        package let a, aStar, b, bStar: String
    }

    package struct Category: Sendable {
        package let name: String
        package fileprivate(set) var questions: [Question] = []

        /// The pairs (a, a*) that the questions are made of, in the order of their first mention.
        package var pairs: [[String]] {
            var known = Set<[String]>()
            return questions.flatMap { [[$0.a, $0.aStar], [$0.b, $0.bStar]] }.filter { known.insert($0).inserted }
        }
    }

    package private(set) var categories: [Category] = []

    package init(_ url: URL) throws { try self.init(Files.read(url), file: url.path) }

    /// - Throws: `PrismError.badData` that names the line.
    init(_ data: Data, file: String) throws {
        guard let text = String(validating: data, as: UTF8.self) else {
            throw PrismError.badData("\(file) is not UTF-8 text; give a file of analogies")
        }
        func fail(_ line: Int, _ reason: String) -> PrismError { .badData("\(file), line \(line + 1): \(reason)") }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (number, line) in lines.enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            if words.isEmpty { continue }
            if words[0].hasPrefix(":") {
                let name = line.drop { $0.isWhitespace || $0 == ":" }.trimmingCharacters(in: .whitespaces)
                guard !name.isEmpty, !categories.contains(where: { $0.name == name }) else {
                    throw fail(number, "a category needs a name of its own behind the colon, not ‘\(name)’")
                }
                categories.append(Category(name: name))
                continue
            }
            guard words.count == 4, !categories.isEmpty else {
                throw fail(
                    number,
                    categories.isEmpty
                        ? "expected ‘: category’ before the first question" : "expected 4 words, found \(words.count)")
            }
            categories[categories.count - 1].questions.append(
                Question(a: words[0], aStar: words[1], b: words[2], bStar: words[3]))
        }
        guard let empty = categories.first(where: \.questions.isEmpty)?.name else {
            guard !categories.isEmpty else { throw PrismError.badData("\(file) holds no analogy") }
            return
        }
        throw PrismError.badData("\(file): the category ‘\(empty)’ holds no question; the file may be cut off")
    }
}
