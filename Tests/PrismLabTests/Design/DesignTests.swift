import PrismCore
import Testing

@testable import PrismLab

@Suite struct DesignTests {
    @Test func harderRequestsNeedMoreWidth() throws {
        func width(_ change: (inout DesignRequest) -> Void) throws -> Int {
            var request = DesignRequest(features: 512, density: 0.02, error: 0.1)
            change(&request)
            return try Design(request).width
        }
        let plain = try width { _ in }
        #expect(try width { $0.error = 0.05 } > plain)
        #expect(try width { $0.density = 0.04 } > plain)
        #expect(try width { $0.features = 1024 } > plain)
        #expect(try width { $0.bits = 2 } > plain)
        #expect(try width { $0.bits = 16 } - plain <= 1)
    }

    @Test func anAnswerHoldsTogether() throws {
        let design = try Design(DesignRequest(features: 512, density: 0.02, error: 0.1, bits: 4))
        #expect(design.leastWidth <= design.width && design.width <= design.greatestWidth)
        #expect(design.point.error <= 0.1 && design.point.low <= design.point.error)
        #expect(design.isSuperposed && design.unvalidated.isEmpty)
        #expect(zip(design.curve, design.curve.dropFirst()).allSatisfy { $0.width < $1.width && $0.error >= $1.error })
        #expect(design.margins.allSatisfy { $0.factor > 1 })
        #expect(zip(design.margins, design.margins.dropFirst()).allSatisfy { $0.factor <= $1.factor })
        // Features so dense that they interfere at every width.
        #expect(try !Design(DesignRequest(features: 512, density: 0.9, error: 0.05)).unvalidated.isEmpty)
    }

    @Test func requestsOutOfRangeAreRefused() {
        for request in [
            DesignRequest(features: 1, density: 0.1, error: 0.1), DesignRequest(features: 10, density: 0, error: 0.1),
            DesignRequest(features: 10, density: 1.5, error: 0.1), DesignRequest(features: 10, density: 0.1, error: 1),
            DesignRequest(features: 10, density: .nan, error: 0.1),
            DesignRequest(features: 10, density: 0.1, error: 0.1, bits: 1),
        ] {
            #expect(throws: PrismError.self) { try Design(request) }
        }
    }

    /// A small design, trained: predictions come with a 90% interval of a few tens of percent.
    @Test func aTrainedAnswerIsNearThePrediction() throws {
        let design = try Design(DesignRequest(features: 128, density: 0.05, error: 0.2))
        let verification = try design.verify(in: Lab())
        #expect((0.6...1.6).contains(verification.ratio))
        #expect(zip(verification.errorsAtDensityMargin, verification.errors).allSatisfy { $0 > $1 })
    }
}
