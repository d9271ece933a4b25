import PrismActivations
import PrismDictionaries
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct IndependentComponentsTests {
    /// Amari et al. 1996: how far P = (directions) · (mixing)⁺ is from a scaled permutation; 0 if it is one, 1 at most.
    /// Here P is made of cosines between rows after whitening, so that no inverse is needed.
    func amari(_ p: [[Double]]) -> Double {
        let n = p.count
        func excess(_ line: [Double]) -> Double { line.reduce(0) { $0 + abs($1) } / line.map { abs($0) }.max()! - 1 }
        let columns = (0..<n).map { c in p.map { $0[c] } }
        return (p.map(excess) + columns.map(excess)).reduce(0, +) / Double(2 * n * (n - 1))
    }

    /// The dictionary's analysis rows times mixing rows: how much of each planted source each component sees.
    func overlap(_ dictionary: SparseDictionary, _ mixing: Tensor) -> [[Double]] {
        (0..<5).map { i in
            (0..<5).map { j in
                (0..<5).reduce(0.0) { $0 + Double(dictionary.encoder[2 * i][$1]) * Double(mixing[j][$1]) }
            }
        }
    }

    @Test func findsPlantedSourcesAndWhatScikitLearnFinds() throws {
        let file = try SafetensorsFile(golden("PrismDictionariesTests", "scikit-learn/ica.safetensors"))
        let (x, planted, theirs) = (try file.tensor("x"), try file.tensor("mixing"), try file.tensor("found"))
        let dictionary = try Baseline.ica.fit(source(x), latents: 10, k: nil, seed: 1, workers: Workers(count: 2))
        // From 2000 vectors a source is found to within about 1/√2000 of each other.
        #expect(amari(overlap(dictionary, planted)) < 0.04)
        // Both stop where a step turns no component by more than arccos(1 − 10⁻⁴) at worst, in practice by far less.
        #expect(amari(overlap(dictionary, theirs)) < 0.003)
        // What whitening alone finds, a rotation away, is no answer.
        let pca = try Baseline.pca.fit(source(x), latents: 10, k: nil, seed: 1, workers: Workers(count: 2))
        #expect(amari(overlap(pca, planted)) > 0.1)
    }
}
