import Foundation
import PrismCore
import PrismTestSupport
import Testing

/// `prism steer` on the model that comes with Prism; `AblateCommandTests` has what both commands refuse.
@Suite struct SteerCommandTests {
    static let steer = ["steer", "one-layer", "--prompt", "the light of a red prism", "--neuron", "0:7,0:30"]

    /// Adding nothing and boosting by one are the clean run; the clamp of a unit does not depend on where it stood.
    @Test func changesUnits() throws {
        try withTemporaryFolder { folder in
            func json(_ arguments: String...) throws -> [String: Any] {
                let outputs = try ["1", "2"].map {
                    let all = Self.steer + ["--generate", "6", "--json", "--threads", $0] + arguments
                    let outcome = try Command(all, in: folder).run()
                    #expect(outcome.status == 0, "\(arguments): \(outcome.complaints)")
                    return outcome.output
                }
                #expect(outputs[0] == outputs[1])
                return try #require(try JSONSerialization.jsonObject(with: Data(outputs[0].utf8)) as? [String: Any])
            }
            func divergences(_ found: [String: Any]) throws -> [Double] {
                try #require(found["positions"] as? [[String: Any]]).map { try #require($0["divergence"] as? Double) }
            }
            let strong = try json("--strength", "-40")
            #expect(try divergences(strong).allSatisfy { $0 > 0.01 })
            #expect(strong["changed"] as? String != strong["clean"] as? String)
            for identity in [("--strength", "0"), ("--boost", "1")] {
                let same = try json(identity.0, identity.1)
                #expect(try divergences(same).allSatisfy { $0 == 0 })
                #expect(same["changed"] as? String == same["clean"] as? String)
            }
            #expect(try divergences(json("--clamp", "9", "--at", "-1")).dropLast().allSatisfy { $0 == 0 })

            let sweep = try json("--sweep", "0,-40")
            let rows = try #require(sweep["rows"] as? [[String: Any]])
            #expect(rows.map { $0["continuation"] as? String } == ["clean", "changed"].map { strong[$0] as? String })
            #expect(rows[0]["effect"] as? Double == 0)
            let table = try Command(Self.steer + ["--sweep", "0,5", "--generate", "3"], in: folder).run()
            #expect(table.status == 0 && table.output.contains("clean loss"))
        }
    }

    @Test(arguments: [
        ([], "one of --strength, --boost, --clamp and --sweep"),
        (["--strength", "3", "--boost", "2"], "one of --strength"),
        (["--strength", "much"], "'much' is invalid for '--strength"),
        (["--strength", "nan"], "finite numbers, not by nan"), (["--clamp", "inf"], "finite numbers, not by inf"),
        (["--boost", "1e99"], "finite"), (["--sweep", "0,x", "--generate", "3"], "‘0,x’ holds no strengths"),
        (["--sweep", "", "--generate", "3"], "‘’ holds no strengths"), (["--sweep", "0,4"], "give --generate"),
        (["--sweep", "0,4", "--generate", "3", "--at", "99"], "selects no position"),
    ]) func refusesInOneSentence(arguments: [String], mention: String) throws {
        try withTemporaryFolder { folder in
            expectFailure(try Command(Self.steer + arguments, in: folder).run(), 64, mentions: mention)
        }
    }
}
