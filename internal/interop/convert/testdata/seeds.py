# Writes seeds/: small files of each kind, which tests read and fuzzing starts from.
import numpy as np, pyarrow as pa, pyarrow.parquet as pq, pyarrow.ipc as ipc, torch, os
from safetensors.numpy import save_file
os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'seeds'))
# row r, value i of every file is r + i/8, exact in every float type here
n,d=6,4
x=(np.arange(n)[:,None]+np.arange(d)/8).astype(np.float32)
np.save('plain.npy',x); np.save('fortran.npy',np.asfortranarray(x.astype('>f8'))); np.save('docs.npy',x.reshape(2,3,d).astype(np.float16))
np.savez('stored.npz',activations=x); np.savez_compressed('deflated.npz',activations=x.reshape(2,3,d))
save_file({'activations':x,'token_ids':np.arange(n,dtype=np.int64)},'two.safetensors')
torch.save({'activations':torch.from_numpy(x).t().contiguous().t()},'strided.pt')
flat=pa.array(x.ravel())
fixed=pa.FixedSizeListArray.from_arrays(flat,d)
lists=pa.ListArray.from_arrays(pa.array(np.arange(n+1,dtype=np.int32)*d),flat)
docs=pa.ListArray.from_arrays(pa.array([0,1,4,6],pa.int32()),lists)  # documents of 1, 3 and 2 rows
text=pa.array(['a','é','','<s>','b','c'])
def stream(name,t,rows,**o):
    with ipc.new_stream(name,t.schema,options=ipc.IpcWriteOptions(**o)) as w: w.write_table(t,max_chunksize=rows)
stream('lists.arrow',pa.table({'activations':lists,'token':text,'token_id':pa.array(range(n),pa.int32())}),4)
stream('fixed.arrow',pa.table({'activations':fixed,'token':text.dictionary_encode()}),3)
stream('packed.arrow',pa.table({'activations':fixed}),6,compression='zstd')
stream('docs.arrow',pa.table({'activations':docs,'label':pa.array([7,8,9],pa.int32())}),2)
t=pa.table({'activations':lists,'token':text,'label':pa.array([1]*n,pa.int32())})
pq.write_table(t,'snappy.parquet',row_group_size=4)
pq.write_table(t,'v2.parquet',compression='gzip',data_page_version='2.0',use_dictionary=False)
pq.write_table(pa.table({'activations':docs}),'docs.parquet',compression='zstd',use_dictionary=False,use_byte_stream_split=True)
pq.write_table(pa.table({f'd{i}':x[:,i].astype(np.float64) for i in range(d)}),'columns.parquet',compression='lz4')
