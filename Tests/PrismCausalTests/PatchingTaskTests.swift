import Foundation
import PrismCore
import PrismModels
import PrismTestSupport
import Testing

@testable import PrismCausal

@Suite struct PatchingTaskTests {
    static let tokenizer = Result { try Tokenizer(loading: realModel()) }

    /// What every pair of every task must be, read off its tokens.
    @Test(arguments: PatchingTask.all.map(\.name)) func pairsKeepTheInvariants(name: String) throws {
        let (task, tokenizer) = (try PatchingTask(name), try Self.tokenizer.get())
        let pairs = try task.pairs(count: 60, tokenizer: tokenizer, seed: 3)
        #expect(pairs.count == 60 && Set(pairs).count == 60)
        for pair in pairs {
            #expect(pair.clean.count == pair.corrupt.count)
            #expect(pair.clean != pair.corrupt)
            #expect(Set(pair.answers).isDisjoint(with: pair.foils))
            #expect(pair.labels["end"] == pair.clean.count - 1)
            // The last token says nothing about the answer by itself: what decides lies before it, or is it (brackets).
            #expect(pair.clean[..<pair.firstDifference] == pair.corrupt[..<pair.firstDifference])
            // What is decoded and encoded again is the same: no token is torn.
            #expect(tokenizer.encode(tokenizer.decode(pair.clean)) == pair.clean)
        }
        #expect(try task.pairs(count: 60, tokenizer: tokenizer, seed: 3) == pairs)
        #expect(try task.pairs(count: 60, tokenizer: tokenizer, seed: 4) != pairs)
        #expect(try Array(task.pairs(count: 61, tokenizer: tokenizer, seed: 3).prefix(60)) == pairs)
    }

    /// The names at the labels are what the answer follows from.
    @Test func indirectObjectNamesTheOneThatDidNotAct() throws {
        let tokenizer = try Self.tokenizer.get()
        var orders: Set<Bool> = []
        for pair in try PatchingTask("ioi").pairs(count: 40, tokenizer: tokenizer) {
            let (io, s1, s2) = (pair.labels["IO"]!, pair.labels["S1"]!, pair.labels["S2"]!)
            #expect(pair.answers == [pair.clean[io]] && pair.foils == [pair.clean[s1]])
            #expect(pair.clean[s1] == pair.clean[s2] && pair.corrupt[s2] == pair.clean[io])
            #expect(pair.firstDifference == s2 && pair.name(ofPosition: s2 + 1) == "S2+1")
            orders.insert(io < s1)
        }
        #expect(orders.count == 2)
        for pair in try PatchingTask("ioi-abc").pairs(count: 40, tokenizer: tokenizer) {
            let names = ["IO", "S1", "S2"].map { pair.labels[$0]! }
            #expect(Set(names.map { pair.corrupt[$0] } + pair.answers + pair.foils).count == 5)
        }
    }

    /// Digits stand alone in this tokenizer: the tens decide. A digit is right if only later years begin with it, wrong if none.
    @Test func greaterThanTakesTheFirstDigit() throws {
        let tokenizer = try Self.tokenizer.get()
        for pair in try PatchingTask("greater-than").pairs(count: 20, tokenizer: tokenizer) {
            func digit(_ token: Int32) -> Int { Int(tokenizer.text(of: token))! }
            let place = pair.labels["year"]!
            let (tens, units) = (digit(pair.clean[place - 1]), digit(pair.clean[place]))
            #expect(pair.answers.map(digit).sorted() == Array(tens + 1...9))
            #expect(pair.foils.map(digit).sorted() == Array(0...(units == 9 ? tens : tens - 1)))
        }
    }

    @Test func refusesWhatItCannotDraw() throws {
        #expect(throws: PrismError.self) { try PatchingTask("io") }
        // Thirty countries make at most 2 · 30 · 29 pairs.
        let error = #expect(throws: PrismError.self) {
            try PatchingTask("facts").pairs(count: 1741, tokenizer: try Self.tokenizer.get())
        }
        #expect(error?.message.contains("only") == true)
    }
}
