import PrismCore
import PrismTensor
import Testing

@testable import PrismSpectrum

private typealias World = GeometryWorld

@Suite struct LatentFamiliesTests {
    private static let width = 96

    /// Latents around directions of chance: each family's, then lone ones.
    private static func planted(
        families: Int, of members: Int, alone: Int, seed: UInt64, bridge: Bool = false
    ) throws -> LatentGeometry {
        var generator = SeededGenerator(seed: seed, stream: "test families")
        let centres = (0..<families).map { _ in World.random(width, &generator) }
        var directions = centres.flatMap { centre in
            (0..<members).map { _ in
                // Cosine .8 to the centre, .64 to each other.
                World.unit(zip(centre, World.random(width, &generator)).map { 0.8 * $0 + 0.6 * $1 })
            }
        }
        directions += (0..<alone).map { _ in World.random(width, &generator) }
        if bridge { directions.append(World.unit(zip(centres[0], centres[1]).map(+))) }
        let dictionary = World.dictionary(directions, thresholds: Array(repeating: 0.5, count: directions.count))
        return try World.geometry(dictionary, World.noise(400, width: width, seed: seed))
    }

    @Test func plantedFamiliesAreFound() throws {
        let found = try Self.planted(families: 5, of: 6, alone: 20, seed: 1).families
        #expect(found.families.map(\.members).sorted { $0[0] < $1[0] } == (0..<5).map { Array($0 * 6..<($0 + 1) * 6) })
        for family in found.families {
            #expect(family.members.contains(family.centre))
            // .64 in the mean, with a spread of 1/√96 on each of 15 pairs.
            #expect(abs(family.cosine - 0.64) < 0.1)
        }
    }

    @Test func aLatentBetweenTwoFamiliesDoesNotJoinThem() throws {
        let (members, bridge) = (6, 12)
        let geometry = try Self.planted(families: 2, of: members, alone: 0, seed: 2, bridge: true)
        let found = geometry.families
        // Cosine .57 to the latents of both in the mean, so that a component would hold all of them.
        let joined = geometry.latents[bridge].nearest.filter { $0.cosine >= found.rule.cosine }.map {
            $0.latent / members
        }
        #expect(Set(joined) == [0, 1])
        let groups = found.families.map { $0.members.filter { $0 != bridge } }
        #expect(groups.sorted { $0[0] < $1[0] } == [Array(0..<6), Array(6..<12)])
    }

    @Test func aChainIsNoFamily() {
        // Each latent is joined to the next alone; at .6 three in a row have two pairs of three, four only three of six.
        let count = 12
        let chain = (0..<count).map { i in
            [i - 1, i + 1].filter { (0..<count).contains($0) }.map {
                RelatedLatent(latent: $0, cosine: 0.6, coactivation: nil)
            }
        }
        let rule = LatentFamilies.Rule(latents: count, width: 1000)
        let decoder = Tensor(shape: [count, 2], (0..<2 * count).map { _ in 1 })
        let found = LatentFamilies(chain, decoder: decoder, rule) { _, _ in nil }
        #expect(found.families.allSatisfy { $0.members.count <= 3 })
        #expect(found.families.reduce(0) { $0 + $1.members.count } >= 10)
    }

    @Test func theGraphJoinsByEitherRule() {
        var rule = LatentFamilies.Rule(latents: 1000, width: 100)
        // √(2 ln 499500 / 100).
        #expect(abs(rule.chance - 0.5123) < 1e-4 && rule.cosine == rule.chance)
        rule = LatentFamilies.Rule(latents: 1000, width: 1000)
        #expect(rule.cosine == 0.5)
        /// Of 1000 vectors one latent is active on 100, the other on `other`.
        func joins(_ cosine: Double, joint: Int, other: Int) -> Bool {
            let together = Coactivation(joint: joint, of: 100, other, vectors: 1000)
            return rule.joins(RelatedLatent(latent: 1, cosine: cosine, coactivation: together))
        }
        #expect(joins(0.55, joint: 0, other: 100))
        // Lift 10, φ .43.
        #expect(joins(0.3, joint: 20, other: 20))
        #expect(!joins(0.1, joint: 20, other: 20))
        // Lift 2.
        #expect(!joins(0.3, joint: 20, other: 100))
        // Lift 10 on too few.
        #expect(!joins(0.3, joint: 8, other: 8))
        // φ .78, whatever the cosine.
        #expect(joins(-0.1, joint: 80, other: 100))
        #expect(!rule.joins(RelatedLatent(latent: 1, cosine: 0.3, coactivation: nil)))
    }

    @Test func theMapKeepsFamiliesTogether() throws {
        let (families, members) = (8, 20)
        let map = try Self.planted(families: families, of: members, alone: 0, seed: 3).map
        #expect(map.latents == Array(0..<families * members))
        #expect(map.x.allSatisfy { $0.isFinite } && map.y.allSatisfy { $0.isFinite })
        // Of 19 relatives 15 are a latent's nearest, so that a map which keeps families apart and knows nothing else has
        // 15/19 · 15 of them: .79. Chance gives .094.
        #expect(map.chance! < 0.1)
        #expect(map.preservation! > 0.6, "\(map.preservation!)")
        var strangers = 0
        for i in map.latents {
            let nearest = map.latents.filter { $0 != i }.min { a, b in
                func distance(_ j: Int) -> Float {
                    (map.x[i] - map.x[j]) * (map.x[i] - map.x[j]) + (map.y[i] - map.y[j]) * (map.y[i] - map.y[j])
                }
                return distance(a) < distance(b)
            }!
            strangers += nearest / members == i / members ? 0 : 1
        }
        #expect(strangers <= 3, "\(strangers)")
    }

    @Test func equalAndFewLatentsHaveAMap() throws {
        let axis = World.axis(0, width: 4)
        let contexts = World.features(100, active: 2, width: 4, seed: 1)
        for count in [1, 2, 40] {
            let geometry = try World.geometry(World.dictionary(Array(repeating: axis, count: count)), contexts)
            #expect(geometry.map.latents.count == (count == 1 ? 0 : count))
            #expect(geometry.map.x.allSatisfy { $0.isFinite })
            #expect(geometry.families.families.map(\.members.count) == (count == 1 ? [] : [count]))
        }
    }
}
