import PrismCore
import PrismModels
import Testing

@testable import PrismCausal

@Suite struct HeadInputTests {
    @Test func headInputsAreChecked() throws {
        #expect(try HeadInput("20.3.q").description == "20.3.q")
        for text in ["20.3", "20.3.o", "a.3.q", "", "1.2.q.k"] {
            #expect(throws: PrismError.self, "\(text)") { try HeadInput(text) }
        }
        let configuration = PairedRunsTests.model.configuration
        // Four heads share two keys.
        #expect(try HeadInput("0.3.q").columns(in: configuration) == 24..<32)
        #expect(try HeadInput("0.3.k").columns(in: configuration) == 8..<16)
        for text in ["3.0.q", "0.4.k", "-1.0.q"] {
            #expect(throws: PrismError.self, "\(text)") { try HeadInput(text).columns(in: configuration) }
        }
    }
}
