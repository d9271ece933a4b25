import PrismCore
import PrismTensor

/// Embeddings of normal numbers, [features, hidden].
func randomEmbeddings(features: Int, hidden: Int) -> DoubleMatrix {
    var generator = SeededGenerator(seed: 1, stream: "embeddings")
    var result = DoubleMatrix(features, hidden)
    for i in result.values.indices { result.values[i] = Double(generator.normal()) }
    return result
}
