import Foundation
import PrismCore
import PrismFormats
import PrismTestSupport
import Testing

@Suite struct JSONValueTests {
    static func parse(_ text: String) throws -> JSONValue { try JSONValue(FileBytes(Data(text.utf8), name: "a.json")) }

    @Test func valuesOfEachKind() throws {
        let text = #" {"a": [1, -2.5e1, true, false, null, "x\n\"\\\/\u00e9\ud83d\ude00"], "b": {}, "c": [], "n": null} "#
        let value = try Self.parse(text)
        let array = try #require(value["a"]?.array)
        #expect(array[0].integer == 1)
        guard case .number(-25) = array[1], case .null = array[4] else { Issue.record("wrong kinds"); return }
        #expect(array[2].bool == true && array[3].bool == false)
        #expect(array[5].string == "x\n\"\\/é😀")
        #expect(value["b"]?.object?.isEmpty == true && value["c"]?.array?.isEmpty == true && value["n"] == nil)
    }

    /// é as one scalar and as two are different keys, though equal as `String`s.
    @Test func keysAreComparedByBytes() throws {
        #expect(try Self.parse("{\"\u{e9}\": 1, \"e\u{301}\": 2}").object?.count == 2)
    }

    @Test(arguments: [
        "", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}", "[01]", "[1.]", "[.5]", "[+1]", "[1e]", "[-]", "nul", "[1 2]", "\"\\x\"", "\"\\ud800\"",
        "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"a\nb\"", "\"a", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "1 2", "[NaN]", "'a'",
    ])
    func invalidTextIsRefused(text: String) { #expect(throws: PrismError.self) { try Self.parse(text) } }

    @Test func deepNestingIsRefused() {
        #expect(throws: PrismError.self) { try Self.parse(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func invalidUTF8IsRefused() {
        #expect(throws: PrismError.self) { try JSONValue(FileBytes(Data([0x22, 0xff, 0x22]), name: "a.json")) }
    }

    @Test func damagedTextNeverCrashes() {
        let text = #"{"a": [1, -2.5e1, true, {"b": "x\u00e9\ud83d\ude00"}], "c": "\\", "d": [[[0]]], "e": "héllo 光"}"#
        forEachMutation(of: Data(text.utf8), header: 200, count: 20000) { damaged, what in
            do { _ = try JSONValue(FileBytes(damaged, name: "a.json")) } catch { #expect(error is PrismError, "\(what): \(error)") }
        }
    }
}
