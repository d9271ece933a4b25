import PrismTensor
import Testing

@Suite struct TensorTests {
    @Test func rowsShareMemory() {
        let tensor = Tensor(shape: [3, 2], [1, 2, 3, 4, 5, 6])
        tensor.rows(1..<3).fill(0)
        #expect(tensor.values == [1, 2, 0, 0, 0, 0])
    }

    @Test(arguments: [1, 2, 3]) func everyBlockRunsOnce(threads: Int) {
        let tensor = Tensor(1000)
        Workers(count: threads).forEachRange(1000, by: 7) { _, range in for i in range { tensor.data[i] += 1 } }
        #expect(tensor.values.allSatisfy { $0 == 1 })
    }
}
