import Foundation
import GRDB
import PrismAtlas
import PrismCore
import PrismTestSupport
import Testing

/// Effects that are put into an atlas after it was finished. `AtlasTests.build` makes one as it was before there were any.
@Suite struct AtlasEffectsTests {
    /// Effects with all that is optional, or without.
    private func effect(_ latent: Int, divergence: Double, isFull: Bool = true) -> LatentEffect {
        let consequence = LatentEffect.Consequence(
            divergenceActive: divergence, divergenceElsewhere: 1 / 3, lossActive: -0.1, lossElsewhere: 1e-9,
            locality: 0.75)
        return LatentEffect(
            latent: latent, contexts: 3, activeTokens: 7, otherTokens: 40, ablated: consequence, doubled: consequence,
            random: consequence,
            neuron: isFull ? .init(number: 12, correlation: 0.5, consequence: consequence) : nil,
            risen: isFull ? [.init(token: " ‘the’\n", change: 0.25)] : [], fallen: [.init(token: "", change: -2)],
            directAgreement: isFull ? 0.9 : nil)
    }

    @Test func areAddedAndReplaced() throws {
        try withTemporaryFolder { folder in
            let atlas = try AtlasTests.build(folder, AtlasTests.data)
            #expect(try atlas.effects().isEmpty)
            let page = try atlas.latent(3)

            let (first, second) = (effect(3, divergence: 0.1), effect(59, divergence: 0.2, isFull: false))
            try Atlas.add([first, second], to: atlas.url)
            #expect(try Atlas(atlas.url).effects() == [3: first, 59: second])

            let again = effect(3, divergence: 0.3, isFull: false)
            try Atlas.add([again], to: atlas.url)
            #expect(try Atlas(atlas.url).effects() == [3: again, 59: second])
            #expect(try Atlas(atlas.url).latent(3) == page)
        }
    }

    @Test func refusesWhatIsNoAtlasOrOfAnotherVersion() throws {
        try withTemporaryFolder { folder in
            let none = folder.appending(path: "none.sqlite")
            #expect(throws: PrismError.self) { try Atlas.add([effect(3, divergence: 0)], to: none) }
            #expect(!FileManager.default.fileExists(atPath: none.path))

            let atlas = try AtlasTests.build(folder, AtlasTests.data)
            try Atlas.add([effect(3, divergence: 0)], to: atlas.url)
            try DatabaseQueue(path: atlas.url.path).write {
                try $0.execute(sql: #"UPDATE effects SET effect = '{"latent": 3}'"#)
            }
            let error = #expect(throws: PrismError.self) { try Atlas(atlas.url).effects() }
            #expect(error?.kind == .badData && error?.message.contains("measure them again") == true)
        }
    }
}
