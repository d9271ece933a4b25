import PrismCore
import PrismDictionaries
import PrismTensor
import Testing

@Suite struct AtomLearningTests {
    /// The experiment of Aharon et al. 2006, section V-A, without noise: 50 atoms in 20 dimensions, 1500 sums of three of
    /// them. An atom is found if a learnt one lies within |cos| > .99; four of five must be.
    @Test(arguments: [0, 1]) func recoversPlantedAtoms(method: Int) throws {
        var generator = SeededGenerator(seed: 5, stream: "planted atoms")
        let planted = Tensor(50, 20)
        for i in 0..<50 {
            for c in 0..<20 { planted[i][c] = generator.normal() }
            let norm = planted.norm(ofRow: i)
            for c in 0..<20 { planted[i][c] /= norm }
        }
        let x = Tensor(1500, 20)
        for t in 0..<1500 {
            for i in (0..<50).shuffled(using: &generator).prefix(3) {
                let weight = generator.normal()
                for c in 0..<20 { x[t][c] += weight * planted[i][c] }
            }
        }
        let update: any AtomUpdate = method == 0 ? KSVD() : OptimalDirections()
        let learning = AtomLearning(update: update, k: 3)
        let atoms = try learning.learn(x, count: 50, seed: 1, workers: Workers(count: 2))
        func found(_ atoms: Tensor) -> Int {
            (0..<50).count { i in
                (0..<atoms.rowCount).contains { j in
                    abs((0..<20).reduce(0) { $0 + planted[i][$1] * atoms[j][$1] }) > 0.99 * atoms.norm(ofRow: j)
                }
            }
        }
        #expect(found(atoms) > 40, "\(found(atoms)) of 50")
        // The vectors that learning starts from are no atoms yet.
        #expect(found(x.rows(0..<50)) < 10)
    }
}
