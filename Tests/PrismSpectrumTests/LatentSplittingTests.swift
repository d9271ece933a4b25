import PrismDictionaries
import PrismTensor
import Testing

@testable import PrismSpectrum

private typealias World = GeometryWorld

/// A narrow dictionary and a wide one, of which it is known what became of every latent.
@Suite struct LatentSplittingTests {
    private static let width = 12
    /// Coordinates 0 to 6 are features; 10 and 11 never occur.
    private static let contexts = World.features(600, active: 7, width: width, seed: 1)

    private static func axis(_ number: Int) -> [Float] { World.axis(number, width: width) }

    /// 0 stays, 1 is the direction between two features, 2 is dropped, 3 is doubled, 4 is dead.
    private static let narrow = World.dictionary(
        [axis(0), World.unit(zip(axis(1), axis(2)).map(+)), axis(3), axis(4), axis(10)])
    /// 0 is the same direction but fires only beyond 1.5; 1 and 2 are the two features; 3 and 4 are doubles; 5 and 6 are new;
    /// 7 is dead, with the direction of a narrow one that fires.
    private static let wide = World.dictionary(
        [axis(0), axis(1), axis(2), axis(4), axis(4), axis(5), axis(6), axis(3)],
        thresholds: [1.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 1e3])

    /// Whichever of the two is compared with the other.
    private static func splitting(ownIsNarrow: Bool) throws -> LatentSplitting {
        let (own, other) = ownIsNarrow ? (narrow, wide) : (wide, narrow)
        return try #require(try World.geometry(own, contexts, compared: other).comparison?.splitting)
    }

    @Test(arguments: [true, false]) func everyLatentIsWhatItWasMade(ownIsNarrow: Bool) throws {
        let splitting = try Self.splitting(ownIsNarrow: ownIsNarrow)
        #expect(splitting.ownIsNarrow == ownIsNarrow)
        #expect(splitting.parents.map(\.latent) == [0, 1, 2, 3])
        #expect(splitting.parents.map(\.kind) == [.same, .split, .lost, .split])
        #expect(splitting.parents.map { $0.children.map(\.latent).sorted() } == [[0], [1, 2], [], [3, 4]])
        #expect(splitting.new == [5, 6])
        #expect(splitting.wideCount == 7)
        for child in splitting.parents[1].children { #expect(abs(child.cosine - 0.5.squareRoot()) < 1e-6) }
        #expect(splitting.count(.split).parents == 2)
    }

    @Test(arguments: [true, false]) func coverIsThatOfAPlainLoop(ownIsNarrow: Bool) throws {
        let splitting = try Self.splitting(ownIsNarrow: ownIsNarrow)
        let (a, b) = (World.activations(Self.narrow, Self.contexts), World.activations(Self.wide, Self.contexts))
        for parent in splitting.parents {
            let i = parent.latent
            let all = a.reduce(0) { $0 + $1[i] }
            let covered = zip(a, b).reduce(0) { sum, rows in
                sum + (parent.children.contains { rows.1[$0.latent] > 0 } ? rows.0[i] : 0)
            }
            // Sums in double precision on both sides, in another order at most.
            #expect(abs(parent.covered - covered / all) < 1e-9)
        }
        #expect(splitting.parents[0].covered > 0.2 && splitting.parents[0].covered < 0.9)
        // Where the direction between two features is active, one of the two is.
        #expect(splitting.parents[1].covered == 1)
        #expect(splitting.parents[2].covered == 0)
    }
}
